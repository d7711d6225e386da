//! `${instance}` in the texts of a program: the number of a spawn among the places of its preset, which is known
//! when the spawn starts.

use super::{
    CommandPreset, HttpProbe, LivenessRule, ProbeTest, ReadinessRule, ReadinessTest, ScenarioText, StdinMode,
    StopPolicy,
};
use scenario_log::captured_value::{CapturedValue, CapturedValues};

/// The name of the number in texts.
pub(crate) const INSTANCE: &str = "instance";

impl ScenarioText {
    /// The text of the spawn with this number.
    #[must_use]
    pub fn for_instance(&self, instance: u64) -> ScenarioText {
        if self.capture_names().next().is_none() {
            return self.clone();
        }
        let value = CapturedValue { name: INSTANCE.to_owned(), value: instance.to_string(), secret: false };
        self.with_captures(&CapturedValues::from([(INSTANCE.to_owned(), value)]), str::to_owned)
    }
}

impl ReadinessRule {
    /// The condition for the spawn with this number.
    #[must_use]
    pub fn for_instance(&self, instance: u64) -> ReadinessRule {
        let test = match &self.test {
            ReadinessTest::Line { regex, times } => {
                ReadinessTest::Line { regex: regex.for_instance(instance), times: *times }
            }
            ReadinessTest::Probe(test) => ReadinessTest::Probe(test.for_instance(instance)),
        };
        ReadinessRule { test, ..self.clone() }
    }
}

impl ProbeTest {
    /// The probe of the spawn with this number.
    #[must_use]
    pub fn for_instance(&self, instance: u64) -> ProbeTest {
        match self {
            ProbeTest::Tcp(address) => ProbeTest::Tcp(address.for_instance(instance)),
            ProbeTest::Http(http) => {
                ProbeTest::Http(HttpProbe { url: http.url.for_instance(instance), ..http.clone() })
            }
            ProbeTest::Command(argv) => {
                ProbeTest::Command(argv.iter().map(|text| text.for_instance(instance)).collect())
            }
        }
    }
}

impl CommandPreset {
    /// The program as the spawn with this number runs it.
    #[must_use]
    pub fn for_instance(&self, instance: u64) -> CommandPreset {
        let fill = |text: &ScenarioText| text.for_instance(instance);
        CommandPreset {
            argv: self.argv.iter().map(fill).collect(),
            dir: self.dir.as_ref().map(fill),
            env: self.env.iter().map(|(name, value)| (name.clone(), fill(value))).collect(),
            stdin: match &self.stdin {
                StdinMode::Text(text) => StdinMode::Text(fill(text)),
                other => other.clone(),
            },
            ready: self.ready.as_ref().map(|ready| ready.for_instance(instance)),
            alive: self
                .alive
                .as_ref()
                .map(|alive| LivenessRule { test: alive.test.for_instance(instance), ..alive.clone() }),
            stop: StopPolicy { command: self.stop.command.iter().map(fill).collect(), ..self.stop.clone() },
            ..self.clone()
        }
    }
}
