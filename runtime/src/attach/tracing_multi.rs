//! Attaching to many functions of the kernel with one link, by their types in BTF.

use std::collections::HashMap;

use super::Link;
use super::method::Method;
use crate::btf::{KernelBtf, Types};
use crate::desc::Attach;
use crate::prog::Program;
use crate::sys::bpf;
use crate::{Error, Result};

impl Program {
    /// Attaches an `fentry.multi`, `fexit.multi` or `fsession.multi` program to all functions whose names match `pattern`, in
    /// which `*` is any text and `?` any character (`BPF_LINK_CREATE`, Linux 7.2). They are those of the module that the
    /// program's section names, else of the kernel proper; what cannot be traced for its prototype is passed over.
    ///
    /// # Errors
    ///
    /// No function matches, the kernel does not let one of them be traced, or the program is of another kind.
    pub fn attach_functions(&self, pattern: &str) -> Result<Link> {
        self.check_method(Method::Functions)?;
        let failed = |error: Error| error.to(format!("functions {pattern}"));
        self.fd()?;
        let ids: Vec<u32> = self.in_types(|types| {
            types.traceable(|name| matches(pattern.as_bytes(), name)).into_iter().map(|id| id.0).collect()
        })?;
        if ids.is_empty() {
            return Err(failed(self.failed("attach program")).hint("no traceable function has that name"));
        }
        self.attach_ids(&ids, &[]).map_err(failed)
    }

    /// The same for functions by name, each with the number that `bpf_get_attach_cookie` gives there.
    ///
    /// # Errors
    ///
    /// There is none of a name, it cannot be traced, or the program is of another kind.
    pub fn attach_functions_with_cookies(&self, functions: &[(&str, u64)]) -> Result<Link> {
        self.check_method(Method::Functions)?;
        self.fd()?;
        let found: HashMap<Vec<u8>, u32> = self.in_types(|types| {
            let wanted = |name: &[u8]| functions.iter().any(|(function, _)| function.as_bytes() == name);
            let ids = types.traceable(wanted).into_iter().rev();
            // Of two functions with one name it is the first, as everywhere.
            ids.filter_map(|id| Some((types.name(types.get(id)?).to_owned(), id.0))).collect()
        })?;
        let id = |&(function, _): &(&str, u64)| {
            found.get(function.as_bytes()).copied().ok_or_else(|| {
                let error = self.failed("attach program").to(format!("function {function}"));
                error.hint("no traceable function has that name")
            })
        };
        let ids = functions.iter().map(id).collect::<Result<Vec<_>>>()?;
        let cookies: Vec<u64> = functions.iter().map(|&(_, cookie)| cookie).collect();
        self.attach_ids(&ids, &cookies)
    }

    fn attach_ids(&self, ids: &[u32], cookies: &[u64]) -> Result<Link> {
        self.attached(bpf::link_create_tracing_multi(self.fd()?, self.expected_attach_type, ids, cookies))
    }

    /// Looks into the types of what the program was loaded for.
    fn in_types<R>(&self, look: impl FnOnce(Types<'_>) -> R) -> Result<R> {
        let failed = |why: String| self.failed("attach program").because(why);
        let read = |error: Error| failed(error.to_string());
        let kernel = KernelBtf::read().map_err(read)?;
        let Attach::TracingMulti { module: Some(name), .. } = &self.attach else { return Ok(look(kernel.types())) };
        match kernel.module_called(name).map_err(read)? {
            Some(module) => Ok(look(module.types(&kernel))),
            None => {
                let error = failed(format!("module {name} has no types to be seen"));
                Err(error.hint("the module may not be loaded; reading the BTF of modules needs CAP_SYS_ADMIN"))
            }
        }
    }
}

/// Whether `name` is as `pattern` says.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([b'*', rest @ ..], _) => (0..=name.len()).any(|skipped| matches(rest, &name[skipped..])),
        ([b'?', pattern @ ..], [_, name @ ..]) => matches(pattern, name),
        ([one, pattern @ ..], [other, name @ ..]) if one == other => matches(pattern, name),
        ([], []) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn names_match_patterns() {
        for (pattern, name, expected) in [
            ("vfs_read", "vfs_read", true),
            ("vfs_read", "vfs_readv", false),
            ("vfs_*", "vfs_", true),
            ("vfs_*", "vfs_read", true),
            ("*_read", "vfs_read", true),
            ("*_read", "vfs_reads", false),
            ("*r?a*", "vfs_read", true),
            ("vfs_rea?", "vfs_read", true),
            ("vfs_read?", "vfs_read", false),
            ("**", "", true),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
    }
}
