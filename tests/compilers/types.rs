//! The types that a skeleton's source declares.

/// Each struct and union that users see, on a line: its name, and its fields in the order of their names, as that of
/// variables in a section is the compiler's choice, and padding with it.
pub(crate) fn types(source: &str) -> Vec<String> {
    let mut types = Vec::new();
    let mut lines = source.lines().map(str::trim);
    while let Some(line) = lines.next() {
        let Some(head) =
            line.strip_suffix('{').filter(|_| line.starts_with("pub struct ") || line.starts_with("pub union "))
        else {
            continue;
        };
        let body = lines.by_ref().take_while(|line| *line != "}");
        let mut fields: Vec<_> = body.filter(|line| line.starts_with("pub ")).collect();
        fields.retain(|field| {
            !field.starts_with("pub _pad")
                && !field.starts_with("pub rodata_str")
                && !field.starts_with("pub rodata_cst")
        });
        fields.sort_unstable();
        types.push(format!("{head}{{ {} }}", fields.join(" ")));
    }
    types.sort();
    types
}

#[test]
fn types_are_read() {
    let source =
        "/// A.\n    pub struct B {\n  /// `u`\n pub z: u32,\n pub a: u8,\n _pad: [u8; 3],\n }\n pub struct Unit;";
    assert_eq!(types(source), ["pub struct B { pub a: u8, pub z: u32, }"]);
}
