//! What a skeleton is made with, as text.
//!
//! Input: what a build script, a command line or a manifest says. Output: [`Options`], and the words by which the
//! skeleton itself says how it was made.

use std::fmt;

use quote::{ToTokens, quote};

use super::types::TypeOptions;
use super::{Options, Pattern, Spelling};
use crate::plan::PlanOptions;
use crate::{Error, KernelVersion, Result};

/// What a skeleton is made with, as text: nothing of it is read before [`options`](Self::options).
///
/// It is displayed as `cargo skelgen gen` takes it: `--min-kernel 7.3 --type-derive 'flow_key=Eq, Hash'`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipe {
    /// The skeleton's name, if it is not to be the object's.
    pub name: Option<String>,
    /// Who may see its module, if not everybody: `pub(crate)`.
    pub visibility: Option<String>,
    /// Where the crate `skelgen_runtime` is, if not at `::skelgen_runtime`.
    pub runtime_path: Option<String>,
    /// The oldest kernel that it is for.
    pub min_kernel: Option<KernelVersion>,
    /// The programs' license, if the object has no `license` section.
    pub license: Option<String>,
    /// The file beside the skeleton that has the loader's image, if that is to be no literal in the source.
    pub image: Option<String>,
    /// Derives, `Eq, serde::Serialize`, for types.
    pub type_derive: Vec<(Pattern, String)>,
    /// Attributes, `#[non_exhaustive]`, for types.
    pub type_attribute: Vec<(Pattern, String)>,
    /// Types that are defined though no section and no map has them.
    pub add_type: Vec<Pattern>,
    /// Types that are not defined.
    pub opaque_type: Vec<Pattern>,
    /// How errors write all of this.
    pub spelling: Spelling,
}

impl Recipe {
    /// The options of the plan.
    pub fn plan_options(&self) -> PlanOptions {
        PlanOptions { min_kernel: self.min_kernel, license: self.license.clone() }
    }

    /// The options that it asks for.
    ///
    /// # Errors
    ///
    /// All of it that cannot be read.
    pub fn options(&self) -> Result<Options, Vec<Error>> {
        let mut options = Options { name: self.name.clone(), words: self.to_string(), ..Options::default() };
        let mut mistakes = Vec::new();
        if let Some(Err(error)) = self.min_kernel.map(KernelVersion::as_min_kernel) {
            mistakes.push(Error::unsupported(format!("{}: {error}", self.spelling.option("min_kernel"))));
        }
        let mut types = TypeOptions::spelled(self.spelling);
        for (pattern, derives) in &self.type_derive {
            mistakes.extend(types.parse_type_derive(pattern.clone(), derives).err());
        }
        for (pattern, attributes) in &self.type_attribute {
            mistakes.extend(types.parse_type_attribute(pattern.clone(), attributes).err());
        }
        self.add_type.iter().for_each(|pattern| types.add_type(pattern.clone()));
        self.opaque_type.iter().for_each(|pattern| types.opaque_type(pattern.clone()));
        options.types = types;
        if let Some(visibility) = &self.visibility {
            match syn::parse_str::<syn::Visibility>(visibility) {
                Ok(parsed) => options.visibility = parsed.into_token_stream(),
                Err(error) => mistakes.push(self.not_read("visibility", visibility, &error)),
            }
        }
        if let Some(runtime) = &self.runtime_path {
            match syn::parse_str::<syn::Path>(runtime) {
                Ok(parsed) => options.runtime = parsed.into_token_stream(),
                Err(error) => mistakes.push(self.not_read("runtime_path", runtime, &error)),
            }
        }
        options.image = self.image.as_ref().map(|file| quote!(#file));
        if mistakes.is_empty() { Ok(options) } else { Err(mistakes) }
    }

    fn not_read(&self, option: &str, text: &str, error: &syn::Error) -> Error {
        Error::malformed(format!("{}: {error}", self.spelling.with_value(option, text)))
    }
}

impl fmt::Display for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs = |pairs: &[(Pattern, String)]| -> Vec<_> {
            pairs.iter().map(|(pattern, text)| format!("{pattern}={text}")).collect()
        };
        let names = |patterns: &[Pattern]| -> Vec<_> { patterns.iter().map(ToString::to_string).collect() };
        let options = [
            ("name", Vec::from_iter(self.name.clone())),
            ("visibility", Vec::from_iter(self.visibility.clone())),
            ("runtime-path", Vec::from_iter(self.runtime_path.clone())),
            ("min-kernel", Vec::from_iter(self.min_kernel.map(|kernel| kernel.to_string()))),
            ("license", Vec::from_iter(self.license.clone())),
            ("image", Vec::from_iter(self.image.clone())),
            ("type-derive", pairs(&self.type_derive)),
            ("type-attribute", pairs(&self.type_attribute)),
            ("add-type", names(&self.add_type)),
            ("opaque-type", names(&self.opaque_type)),
        ];
        let mut space = "";
        for (option, values) in options {
            for value in values {
                write!(f, "{space}--{option} {}", word(&value))?;
                space = " ";
            }
        }
        Ok(())
    }
}

/// The text as one word of a shell, in one line: between Rust's tokens a line break is as good as a space.
fn word(text: &str) -> String {
    let line: Vec<_> = text.lines().map(str::trim).collect();
    let line = line.join(" ").replace('\0', "");
    shlex::try_quote(&line).map(Into::into).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_as_a_shell_takes_it() {
        assert_eq!(Recipe::default().to_string(), "");
        let recipe = Recipe {
            name: Some("Traffic".to_owned()),
            visibility: Some(String::new()),
            min_kernel: Some(KernelVersion { major: 7, minor: 3 }),
            license: Some("Dual MIT/GPL".to_owned()),
            type_derive: vec![("flow_key".into(), "Eq, Hash".to_owned()), ("*".into(), "a::B".to_owned())],
            type_attribute: vec![("event".into(), "#[doc = \"it's\"]\n    #[must_use]".to_owned())],
            add_type: vec!["event".into()],
            ..Recipe::default()
        };
        let words = recipe.to_string();
        assert_eq!(
            shlex::split(&words).expect("words"),
            [
                "--name",
                "Traffic",
                "--visibility",
                "",
                "--min-kernel",
                "7.3",
                "--license",
                "Dual MIT/GPL",
                "--type-derive",
                "flow_key=Eq, Hash",
                "--type-derive",
                "*=a::B",
                "--type-attribute",
                "event=#[doc = \"it's\"] #[must_use]",
                "--add-type",
                "event",
            ]
        );
        assert!(!words.contains('\n'), "{words}");
        assert_eq!(recipe.options().expect("options").words, words);
    }

    #[test]
    fn all_that_cannot_be_read_is_told() {
        let recipe = Recipe {
            visibility: Some("public".to_owned()),
            runtime_path: Some("a b".to_owned()),
            type_derive: vec![("*".into(), "zero copy".to_owned())],
            ..Recipe::default()
        };
        let mistakes: Vec<_> = recipe.options().unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(mistakes.len(), 3, "{mistakes:?}");
        assert_eq!(mistakes[2], r#"runtime_path("a b"): unexpected token"#);
    }
}
