//! The plot: each peer's throughput relative to this crate's, one line per workload, on a logarithmic axis.

use std::fmt::Write;

use crate::{
    report::PEERS,
    results::{Results, measured},
    workload::OURS,
};

const LEFT: f64 = 250.0;
const WIDTH: f64 = 560.0;
const LINE: f64 = 26.0;
const TOP: f64 = 64.0;
/// The ends of the axis.
const LEAST: f64 = 0.01;
const MOST: f64 = 2.0;
const COLORS: [&str; 6] = [
    "#4269d0", "#efb118", "#ff725c", "#3ca951", "#a463f2", "#6b7280",
];

pub fn svg(results: &Results) -> String {
    let workloads: Vec<_> = measured(results).collect();
    let bottom = TOP + LINE * workloads.len() as f64;
    let (width, height) = (LEFT + WIDTH + 30.0, bottom + 40.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <title>Throughput of the peers relative to llm-trading-db</title>\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
    );
    for tick in [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0] {
        let (x, stroke) = (
            position(tick),
            if tick == 1.0 { "#111827" } else { "#e5e7eb" },
        );
        writeln!(
            svg,
            "<line x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom}\" stroke=\"{stroke}\"/>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#374151\">{tick}</text>",
            bottom + 16.0
        )
        .ok();
    }
    writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#374151\">throughput, {OURS} = 1</text>",
        LEFT + WIDTH / 2.0,
        bottom + 33.0
    )
    .ok();
    let peers = PEERS.iter().filter(|peer| **peer != OURS);
    for ((n, peer), color) in peers.clone().enumerate().zip(COLORS) {
        let x = 20.0 + 135.0 * n as f64;
        writeln!(
            svg,
            "<circle cx=\"{x}\" cy=\"24\" r=\"5\" fill=\"{color}\"/><text x=\"{}\" y=\"28\" fill=\"#111827\">{peer}</text>",
            x + 9.0
        )
        .ok();
    }
    for (n, workload) in workloads.iter().enumerate() {
        let y = TOP + LINE * (n as f64 + 0.5);
        writeln!(
            svg,
            "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#111827\">{}: {}</text>",
            LEFT - 10.0,
            y + 4.0,
            workload.id,
            workload.what
        )
        .ok();
        for (peer, color) in peers.clone().zip(COLORS) {
            if let Some(ratio) = results.ratio(workload.id, peer) {
                let x = position(1.0 / ratio);
                writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\" fill=\"{color}\" fill-opacity=\"0.85\"/>").ok();
            }
        }
    }
    svg + "</svg>\n"
}

fn position(relative: f64) -> f64 {
    let part = (relative.clamp(LEAST, MOST) / LEAST).ln() / (MOST / LEAST).ln();
    LEFT + WIDTH * part
}
