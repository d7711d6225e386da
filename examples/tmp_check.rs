//! tmp
use std::path::Path;
fn main() {
    for path in std::env::args().skip(1) {
        let start = std::time::Instant::now();
        let options = scenario::scenario::Options {
            vars: &[],
            env: &|n| std::env::var(n).ok(),
            clock: Default::default(),
        };
        let result = scenario::scenario::load(Path::new(&path), &scenario::paper::files::Disk, &options);
        let took = start.elapsed();
        let text = match &result {
            Ok(l) => scenario::paper::diagnostics::human(&l.sources, &l.warnings, false),
            Err(f) => scenario::paper::diagnostics::human(&f.sources, &f.diagnostics, false),
        };
        let all = start.elapsed();
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let hwm = status.lines().find(|l| l.starts_with("VmHWM")).unwrap_or("").to_owned();
        println!("{path}: ok={} load={took:?} all={all:?} {hwm}", result.is_ok());
        for l in text.lines().take(14) {
            println!("   {l}");
        }
        std::mem::forget(result);
    }
}
