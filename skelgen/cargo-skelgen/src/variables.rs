//! The variables of an object, and their names on the command line.
//!
//! A C name is not always unique: two linked files, or two sections, can each have a static variable of the same name. The path
//! of the skeleton's field is unique: `data.count`, `data.count_`.

use skelgen::Skeleton;
use skelgen::emit::types::{Members, field_ident};
use skelgen::object::{Data, DataKind, Var};

/// A variable and its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variable<'a> {
    /// The index of its section's map.
    pub(crate) map: usize,
    pub(crate) data: &'a Data,
    pub(crate) var: &'a Var,
}

/// The variables whose initial values can be set, each with the path of its field.
fn all(skeleton: &Skeleton) -> Vec<(String, Variable<'_>)> {
    let mut all = Vec::new();
    for (map, planned) in skeleton.plan.maps.iter().enumerate() {
        let Some(data) = planned.data.as_ref().filter(|data| data.kind != DataKind::Kconfig) else { continue };
        let section = plain(&field_ident(planned.name.trim_start_matches('.')));
        for (var, field) in data.vars.iter().zip(fields(data)) {
            all.push((format!("{section}.{field}"), Variable { map, data, var }));
        }
    }
    all
}

/// The skeleton's fields of a section, in the order of its variables.
pub(crate) fn fields(data: &Data) -> Vec<String> {
    let mut order: Vec<usize> = (0..data.vars.len()).collect();
    order.sort_by_key(|&index| data.vars[index].offset);
    let names = Members::default().claim_all(order.iter().map(|&index| data.vars[index].name.as_str()));
    let mut fields = vec![String::new(); order.len()];
    for (index, name) in order.into_iter().zip(&names) {
        fields[index] = plain(name);
    }
    fields
}

/// The name without `r#`.
fn plain(ident: &dyn ToString) -> String {
    ident.to_string().replace("r#", "")
}

/// Finds a variable by its C name or by the path of its field.
pub(crate) fn find<'a>(skeleton: &'a Skeleton, name: &str) -> Result<Variable<'a>, String> {
    let all = all(skeleton);
    if let Some((_, found)) = all.iter().find(|(path, _)| path == name) {
        return Ok(*found);
    }
    let by_c_name: Vec<_> = all.iter().filter(|(_, found)| found.var.name == name).collect();
    match by_c_name.as_slice() {
        [(_, found)] => Ok(*found),
        [] => {
            let mut parts = name.match_indices(['.', '[']).map(|(end, _)| &name[..end]);
            let is_variable = |part: &&str| all.iter().any(|(path, found)| path == part || found.var.name == *part);
            if let Some(variable) = parts.rfind(is_variable) {
                return Err(format!("`{variable}` is a variable; --set cannot set its members or elements"));
            }
            let names: Vec<_> = all.iter().map(|(_, found)| found.var.name.as_str()).collect();
            Err(format!("no variable `{name}`; the object has: {}", names.join(", ")))
        }
        several => {
            let paths: Vec<_> = several.iter().map(|(path, _)| format!("`{path}`")).collect();
            Err(format!("{} variables are named `{name}`: write {}", several.len(), paths.join(" or ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skeleton(name: &str) -> Skeleton {
        let path = format!("{}/../../fixtures/other/{name}.bpf.o", env!("CARGO_MANIFEST_DIR"));
        Skeleton::new(name, &std::fs::read(path).expect("a fixture")).expect("a good object")
    }

    #[test]
    fn statics_of_one_name_are_told_apart_by_their_fields() {
        let skeleton = skeleton("linked");
        let offset = |name: &str| find(&skeleton, name).map(|found| found.var.offset);
        let several = "2 variables are named `same_name`: write `data.same_name` or `data.same_name_`";
        assert_eq!(offset("same_name"), Err(several.to_owned()));
        assert_eq!(offset("data.same_name"), Ok(0));
        assert_eq!(offset("data.same_name_"), Ok(8));
        assert_eq!((offset("elsewhere"), offset("data.elsewhere")), (Ok(4), Ok(4)));
        assert!(offset("bss.elsewhere").is_err());
    }

    #[test]
    fn variables_of_one_name_are_told_apart_by_their_sections() {
        let skeleton = skeleton("linked3");
        let section = |name: &str| find(&skeleton, name).map(|found| found.data.kind);
        let several = "2 variables are named `count_b`: write `bss.count_b` or `data.count_b`";
        assert_eq!(section("count_b"), Err(several.to_owned()));
        assert_eq!(section("bss.count_b"), Ok(DataKind::Bss));
        assert_eq!(section("data.count_b"), Ok(DataKind::Data));
        assert!(section("LINUX_KERNEL_VERSION").is_err());
    }
}
