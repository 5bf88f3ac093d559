//! Certificates, made by the `openssl` command, as people make theirs.

use crate::Folder;
use std::{fs, path::Path, process::Command};

/// A certificate and its key, in PEM form.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The certificate.
    pub cert: String,
    /// The key.
    pub key: String,
}

/// Who signs certificates.
#[derive(Clone, Debug)]
pub struct Authority(pub Pair);

impl Authority {
    /// An authority of this name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(request(
            name,
            &[
                "-x509",
                "-days",
                "30",
                "-addext",
                "keyUsage=critical,keyCertSign,cRLSign",
            ],
        ))
    }

    /// A server's certificate for `names`, such as `DNS:localhost,IP:127.0.0.1`.
    #[must_use]
    pub fn server(&self, name: &str, names: &str) -> Pair {
        self.sign(
            name,
            &format!(
                "subjectAltName={names}\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n"
            ),
        )
    }

    /// A client's certificate for a user of the database.
    #[must_use]
    pub fn client(&self, user: &str) -> Pair {
        self.sign(
            user,
            "extendedKeyUsage=clientAuth\nbasicConstraints=CA:FALSE\n",
        )
    }

    fn sign(&self, name: &str, extensions: &str) -> Pair {
        let folder = Folder::new();
        let at = folder.path();
        fs::write(at.join("ca.crt"), &self.0.cert).unwrap();
        fs::write(at.join("ca.key"), &self.0.key).unwrap();
        fs::write(at.join("extensions"), extensions).unwrap();
        openssl(
            at,
            &[
                "req",
                "-new",
                "-nodes",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-subj",
                &format!("/CN={name}"),
                "-keyout",
                "key",
                "-out",
                "csr",
            ],
        );
        openssl(
            at,
            &[
                "x509",
                "-req",
                "-in",
                "csr",
                "-CA",
                "ca.crt",
                "-CAkey",
                "ca.key",
                "-CAcreateserial",
                "-days",
                "30",
                "-extfile",
                "extensions",
                "-out",
                "crt",
            ],
        );
        read(at)
    }
}

/// A certificate that vouches for itself, for `names`; as `openssl req -x509` makes it, it also counts as an authority's.
#[must_use]
pub fn self_signed(name: &str, names: &str) -> Pair {
    request(
        name,
        &[
            "-x509",
            "-days",
            "30",
            "-addext",
            &format!("subjectAltName={names}"),
        ],
    )
}

impl Pair {
    /// A certificate of version 1, which vouches for itself.
    #[must_use]
    pub fn version_1(name: &str) -> Self {
        Self::of_its_own(name, "")
    }

    /// A certificate that vouches for itself, with these extensions and no others; without any it is one of version 1.
    #[must_use]
    pub fn of_its_own(name: &str, extensions: &str) -> Self {
        let folder = Folder::new();
        let at = folder.path();
        fs::write(at.join("extensions"), extensions).unwrap();
        openssl(
            at,
            &[
                "req",
                "-new",
                "-nodes",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-subj",
                &format!("/CN={name}"),
                "-keyout",
                "key",
                "-out",
                "csr",
            ],
        );
        let sign = [
            "x509", "-req", "-in", "csr", "-signkey", "key", "-days", "30", "-out", "crt",
        ];
        let with: &[&str] = match extensions {
            "" => &[],
            _ => &["-extfile", "extensions"],
        };
        openssl(at, &[&sign[..], with].concat());
        read(at)
    }
}

fn request(name: &str, more: &[&str]) -> Pair {
    let folder = Folder::new();
    let at = folder.path();
    let subject = format!("/CN={name}");
    let arguments = [
        "req",
        "-new",
        "-nodes",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-subj",
        &subject,
        "-keyout",
        "key",
        "-out",
        "crt",
    ];
    openssl(at, &[&arguments[..], more].concat());
    read(at)
}

fn read(folder: &Path) -> Pair {
    Pair {
        cert: fs::read_to_string(folder.join("crt")).unwrap(),
        key: fs::read_to_string(folder.join("key")).unwrap(),
    }
}

fn openssl(folder: &Path, arguments: &[&str]) {
    let output = Command::new("openssl")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "openssl {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
