//! How errors spell an option: as the user wrote it in the builder, the derive or Cargo.toml.

/// Where options are written, and so how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Spelling {
    /// As a method or an attribute in Rust: `type_derive("pair", "Eq")`.
    #[default]
    Code,
    /// On a command line: `--type-derive "pair=Eq"`.
    Command,
    /// In a manifest: `type-derive = { pair = "Eq" }`.
    Manifest,
}

impl Spelling {
    /// The option that Rust calls `name`.
    pub(crate) fn option(self, name: &str) -> String {
        match self {
            Spelling::Code => name.to_owned(),
            Spelling::Command => format!("--{}", name.replace('_', "-")),
            Spelling::Manifest => name.replace('_', "-"),
        }
    }

    /// The option with its value.
    pub(crate) fn with_value(self, name: &str, value: &str) -> String {
        let option = self.option(name);
        match self {
            Spelling::Code => format!("{option}({value:?})"),
            Spelling::Command => format!("{option} {value:?}"),
            Spelling::Manifest => format!("{option} = {value:?}"),
        }
    }

    /// The option with what it says of some types.
    pub(crate) fn with_types(self, name: &str, types: &str, value: &str) -> String {
        let option = self.option(name);
        match self {
            Spelling::Code => format!("{option}({types:?}, {value:?})"),
            Spelling::Command => format!("{option} {:?}", format!("{types}={value}")),
            Spelling::Manifest => format!("{option} = {{ {types:?} = {value:?} }}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Spelling::{Code, Command, Manifest};

    #[test]
    fn each_door_has_its_own() {
        let options = [Code, Command, Manifest].map(|door| door.option("add_type"));
        assert_eq!(options, ["add_type", "--add-type", "add-type"]);
        let values = [Code, Command, Manifest].map(|door| door.with_value("runtime_path", "a b"));
        assert_eq!(values, [r#"runtime_path("a b")"#, r#"--runtime-path "a b""#, r#"runtime-path = "a b""#]);
        let types = [Code, Command, Manifest].map(|door| door.with_types("type_derive", "pair", "zero copy"));
        assert_eq!(
            types,
            [
                r#"type_derive("pair", "zero copy")"#,
                r#"--type-derive "pair=zero copy""#,
                r#"type-derive = { "pair" = "zero copy" }"#
            ]
        );
    }
}
