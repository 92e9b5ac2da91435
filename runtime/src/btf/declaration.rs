//! A function or variable as C declares it, for errors to show.

use super::blob::TypeId;
use super::blob::u32_at;
use super::kind;
use super::types::Types;

/// Types that a declaration shows; what goes on beyond them becomes `...`.
const MOST_TYPES: usize = 200;
/// How deep they nest.
const MOST_LEVELS: usize = 32;

impl Types<'_> {
    /// `struct task_struct *bpf_task_from_pid(int pid)`, of a function or variable.
    pub(crate) fn declaration(self, id: TypeId) -> Option<String> {
        let ty = self.get(id).filter(|ty| matches!(ty.kind(), kind::FUNC | kind::VAR))?;
        let name = text(self.name(ty));
        Some(Writer { types: self, left: MOST_TYPES }.declare(ty.target(), name, MOST_LEVELS))
    }
}

struct Writer<'a> {
    types: Types<'a>,
    left: usize,
}

impl Writer<'_> {
    /// Declares `declarator` to be of type `id`. C puts what it is a pointer, an array or a function of around it.
    fn declare(&mut self, id: TypeId, declarator: String, levels: usize) -> String {
        let (left, levels) = (self.left.checked_sub(1), levels.checked_sub(1));
        self.left = left.unwrap_or(0);
        let (Some(_), Some(levels)) = (left, levels) else { return join("...", &declarator) };
        let Some(ty) = self.types.get(id) else { return join("void", &declarator) };
        let word = |at| u32_at(ty.rest(), at).unwrap_or_default();
        match ty.kind() {
            kind::PTR => self.declare(ty.target(), format!("*{declarator}"), levels),
            kind::ARRAY => {
                let declarator = format!("{}[{}]", around_pointer(declarator), word(8));
                self.declare(TypeId(word(0)), declarator, levels)
            }
            kind::FUNC_PROTO => {
                let params = self.params(ty.rest(), levels);
                self.declare(ty.target(), format!("{}({params})", around_pointer(declarator)), levels)
            }
            kind::CONST => self.qualify("const", ty.target(), declarator, levels),
            kind::VOLATILE => self.qualify("volatile", ty.target(), declarator, levels),
            kind::RESTRICT => self.qualify("restrict", ty.target(), declarator, levels),
            kind::TYPE_TAG => self.declare(ty.target(), declarator, levels),
            other => {
                let name = text(self.types.name(ty));
                let name = if name.is_empty() { "{...}".to_owned() } else { name };
                let base = match other {
                    kind::STRUCT => format!("struct {name}"),
                    kind::UNION => format!("union {name}"),
                    kind::ENUM | kind::ENUM64 => format!("enum {name}"),
                    kind::FWD if ty.is_flagged() => format!("union {name}"),
                    kind::FWD => format!("struct {name}"),
                    _ => name,
                };
                join(&base, &declarator)
            }
        }
    }

    /// A qualifier stands before the type that it is of, and behind the `*` of a pointer.
    fn qualify(&mut self, qualifier: &str, of: TypeId, declarator: String, levels: usize) -> String {
        let is_pointer = self.types.get(of).is_some_and(|ty| ty.kind() == kind::PTR);
        if is_pointer {
            return self.declare(of, join(&format!(" {qualifier}"), &declarator), levels);
        }
        format!("{qualifier} {}", self.declare(of, declarator, levels))
    }

    fn params(&mut self, params: &[u8], levels: usize) -> String {
        let mut out = Vec::new();
        for param in params.chunks_exact(8) {
            if self.left == 0 {
                out.push("...".to_owned());
                break;
            }
            let (name, ty) = (u32_at(param, 0).unwrap_or_default(), u32_at(param, 4).unwrap_or_default());
            let name = text(self.types.string(name));
            // Of `void` is the `...` at the end.
            out.push(if ty == 0 { "...".to_owned() } else { self.declare(TypeId(ty), name, levels) });
        }
        if out.is_empty() { "void".to_owned() } else { out.join(", ") }
    }
}

/// `int` and `*name` are `int *name`.
fn join(base: &str, declarator: &str) -> String {
    match declarator.chars().next() {
        None | Some('[') => format!("{base}{declarator}"),
        Some(_) => format!("{base} {declarator}"),
    }
}

/// What is an array or a function behind a `*` is one in brackets.
fn around_pointer(declarator: String) -> String {
    if declarator.starts_with('*') { format!("({declarator})") } else { declarator }
}

/// A name, of which what cannot stand in C is shown as such.
fn text(name: &[u8]) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
    if name.iter().all(is_plain) { String::from_utf8_lossy(name).into_owned() } else { name.escape_ascii().to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::btf::blob::Blob;
    use crate::btf::build::Builder;

    #[test]
    fn declarations_are_as_in_c() {
        let mut b = Builder::vmlinux();
        let int = b.add("int", kind::INT << 24, 4, &[32]);
        let char = b.add("char", kind::INT << 24, 1, &[8]);
        let constant = b.add("", kind::CONST << 24, char, &[]);
        let text = b.add("", kind::PTR << 24, constant, &[]);
        let task = b.add("task_struct", kind::FWD << 24, 0, &[]);
        let pointer = b.add("", kind::PTR << 24, task, &[]);
        let array = b.add("", kind::ARRAY << 24, 0, &[pointer, int, 4]);
        let callback = b.add("", kind::FUNC_PROTO << 24 | 1, int, &[0, pointer]);
        let callback = b.add("", kind::PTR << 24, callback, &[]);
        let constant_pointer = b.add("", kind::CONST << 24, pointer, &[]);
        let own = b.add("own_t", kind::TYPEDEF << 24, int, &[]);
        let of_array = b.add("", kind::PTR << 24, array, &[]);
        let word = b.string("word");
        let func = |b: &mut Builder, ret, params: &[u32]| {
            let proto = b.add("", kind::FUNC_PROTO << 24 | (params.len() / 2) as u32, ret, params);
            b.add("find", kind::FUNC << 24, proto, &[])
        };
        let all = [
            (
                func(&mut b, int, &[word, text, 0, pointer, 0, 0]),
                "int find(const char *word, struct task_struct *, ...)",
            ),
            (func(&mut b, 0, &[]), "void find(void)"),
            (func(&mut b, text, &[word, callback]), "const char *find(int (*word)(struct task_struct *))"),
            (func(&mut b, callback, &[0, own]), "int (*find(own_t))(struct task_struct *)"),
            (b.add("all", kind::VAR << 24, array, &[1]), "struct task_struct *all[4]"),
            (b.add("all", kind::VAR << 24, of_array, &[1]), "struct task_struct *(*all)[4]"),
            (b.add("one", kind::VAR << 24, constant_pointer, &[1]), "struct task_struct * const one"),
        ];
        let blob = Blob::parse(b.bytes(), None).unwrap();
        for (id, expected) in all {
            assert_eq!(Types::new(&blob, None).declaration(TypeId(id)).as_deref(), Some(expected));
        }
        assert_eq!(Types::new(&blob, None).declaration(TypeId(int)), None);
    }

    #[test]
    fn declarations_without_end_are_cut() {
        let mut b = Builder::vmlinux();
        // A pointer to itself, and a function that takes itself a hundred times.
        let pointer = b.add("", kind::PTR << 24, 1, &[]);
        let proto = b.add("", kind::FUNC_PROTO << 24 | 100, 0, &[[0, 2]; 100].concat());
        let func = b.add("find", kind::FUNC << 24, proto, &[]);
        let var = b.add("all", kind::VAR << 24, pointer, &[1]);
        let blob = Blob::parse(b.bytes(), None).unwrap();
        for id in [func, var] {
            let shown = Types::new(&blob, None).declaration(TypeId(id)).unwrap();
            assert!(shown.len() < 5000 && shown.contains("..."), "{} bytes", shown.len());
        }
    }
}
