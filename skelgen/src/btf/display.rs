//! Types as C would write them, for docs and errors.

use super::{Btf, Type, TypeId};

/// How many types one rendering looks at; the rest is `...`. Prototypes of prototypes would grow without end.
const BUDGET: usize = 256;

impl Btf {
    /// The type as in a cast: `struct task_struct *`, `__u64 [4]`, `int (*)(void *)`.
    pub fn c_type(&self, id: TypeId) -> String {
        self.c_declaration(id, "")
    }

    /// The type as in a declaration of `name`: `__u64 slots[4]`.
    pub fn c_declaration(&self, id: TypeId, name: &str) -> String {
        let mut printer = Printer { btf: self, budget: BUDGET };
        printer.declare(id, name.to_owned())
    }
}

struct Printer<'a> {
    btf: &'a Btf,
    budget: usize,
}

impl Printer<'_> {
    /// Works from the name outwards: `declarator` is what the type wraps, until a type is a plain name.
    fn declare(&mut self, mut id: TypeId, mut declarator: String) -> String {
        let mut qualifiers = String::new();
        loop {
            if self.budget == 0 {
                return "...".to_owned();
            }
            self.budget -= 1;
            let ty = self.btf.get(id);
            match ty {
                Type::Const(to) => {
                    qualifiers.push_str("const ");
                    id = *to;
                }
                Type::Volatile(to) => {
                    qualifiers.push_str("volatile ");
                    id = *to;
                }
                Type::Restrict(to) => {
                    qualifiers.push_str("restrict ");
                    id = *to;
                }
                Type::TypeTag(tag) => id = tag.ty,
                Type::Ptr(to) => {
                    // Qualifiers met on the way belong to the pointer and stand behind its star.
                    declarator = format!("*{qualifiers}{declarator}");
                    declarator.truncate(declarator.trim_end().len());
                    qualifiers.clear();
                    if matches!(self.btf.get(*to), Type::Array(_) | Type::FuncProto(_)) {
                        declarator = format!("({declarator})");
                    }
                    id = *to;
                }
                Type::Array(array) => {
                    declarator.push_str(&format!("[{}]", array.len));
                    id = array.elem;
                }
                Type::FuncProto(proto) => {
                    let mut params = Vec::new();
                    for param in &proto.params {
                        if self.budget == 0 {
                            params.push("...".to_owned());
                            break;
                        }
                        params.push(match (param.ty, param.name.0) {
                            (TypeId(0), 0) => "...".to_owned(),
                            _ => self.declare(param.ty, self.btf.name(param.name).to_owned()),
                        });
                    }
                    let params = if params.is_empty() { "void".to_owned() } else { params.join(", ") };
                    declarator.push_str(&format!("({params})"));
                    id = proto.ret;
                }
                _ => {
                    let base = self.base(ty);
                    let space = if declarator.is_empty() { "" } else { " " };
                    return format!("{qualifiers}{base}{space}{declarator}");
                }
            }
        }
    }

    fn base(&self, ty: &Type) -> String {
        let name = self.btf.name(ty.name());
        let tagged = |keyword: &str| match name {
            "" => format!("{keyword} {{...}}"),
            name => format!("{keyword} {name}"),
        };
        match ty {
            Type::Void => "void".to_owned(),
            Type::Struct(_) => tagged("struct"),
            Type::Union(_) => tagged("union"),
            Type::Enum(_) | Type::Enum64(_) => tagged("enum"),
            Type::Fwd(fwd) => tagged(if fwd.union { "union" } else { "struct" }),
            _ => name.to_owned(),
        }
    }
}
