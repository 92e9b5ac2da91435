//! Random C programs, which clang compiles for BPF and for this machine.
//!
//! Nothing in them is undefined or depends on the machine: numbers are computed as `unsigned long long`, and an index or a
//! shift is masked. The program of one source runs `ROUNDS` times; for this machine, `main` runs it, and prints what
//! [`super::native`] reads.

use std::fmt::Write as _;

use skelgen_tests::random::Random;

use super::types::{Leaf, Type, Types, literal};

/// How often a program runs.
pub(crate) const ROUNDS: usize = 3;

/// A variable at file scope.
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) ty: Type,
    /// The section that the source asks for.
    pub(crate) section: Option<&'static str>,
    pub(crate) is_static: bool,
    is_const: bool,
    /// The one value that code writes, if that is all: clang may keep a static of this kind as a byte.
    only: Option<u64>,
}

/// A program.
pub(crate) struct Program {
    pub(crate) text: String,
    pub(crate) variables: Vec<Variable>,
    pub(crate) optimisation: &'static str,
    pub(crate) cpu: &'static str,
    pub(crate) args: [[u64; 2]; ROUNDS],
}

const PRELUDE: &str = r#"
typedef unsigned long long u64;
typedef void *pointer;
#define noinline __attribute__((noinline))
/* Hides a number from the optimiser. The verifier may not know why an index is small enough without its mask, which clang
 * then leaves out; and takes no call of a global function whose argument clang leaves out, as nothing uses it. */
#define opaque(number) asm volatile("" : "+r"(number))
#ifdef __bpf__
#define SEC(name) __attribute__((section(name), used))
#define IN(name) __attribute__((section(name)))
char LICENSE[] SEC("license") = "Dual MIT/GPL";
#else
#define SEC(name)
#define IN(name)
int printf(const char *, ...);
void *memset(void *, int, unsigned long);
#endif
"#;

/// Sections, and whether their variables are constants. Without a section clang chooses.
const SECTIONS: [(Option<&str>, bool); 12] = [
    (None, false),
    (None, false),
    (None, false),
    (None, false),
    (None, true),
    (Some(".data"), false),
    (Some(".data.more"), false),
    (Some(".bss.more"), false),
    (Some(".rodata.more"), true),
    (Some(".percpu"), false),
    (Some(".percpu"), false),
    (Some(".percpu.more"), false),
];

impl Program {
    pub(crate) fn random(seed: u64) -> Program {
        let mut random = Random(seed);
        let types = Types::random(&mut random);
        let mut text = format!("/* SKELGEN_SEED={seed} */\n{PRELUDE}\n{}\n", types.definitions());
        let count = 3 + random.below(10);
        let mut variables: Vec<_> = (0..count).map(|index| Variable::random(&mut random, &types, index)).collect();
        // A program has something in a `.percpu` section more often than not.
        if random.below(4) > 0 {
            variables[0].section = Some(".percpu");
            (variables[0].is_const, variables[0].only) = (false, None);
        }
        for variable in &variables {
            variable.define(&mut text, &mut random, &types);
        }
        let mut code = Code { random: &mut random, types: &types, variables: &variables, functions: 0 };
        for _ in 0..code.random.below(3) {
            code.function(&mut text);
        }
        code.entry(&mut text);
        main(&mut text, &types, &variables);
        let args = [0; ROUNDS].map(|_| [random.next(), random.number() as u64]);
        for [a, b] in args {
            let _ = writeln!(text, "\trun({a:#x}ULL, {b:#x}ULL);");
        }
        text.push_str("\treturn 0;\n}\n#endif\n");
        let optimisation = random.pick(&["-O1", "-O2", "-O2", "-Os"]);
        Program { text, variables, optimisation, cpu: random.pick(&["v1", "v2", "v3", "v3"]), args }
    }
}

impl Variable {
    fn random(random: &mut Random, types: &Types, index: usize) -> Variable {
        let (section, is_const) = random.pick(&SECTIONS);
        let ty = std::iter::repeat_with(|| types.pick(random, 3)).find(|ty| types.fits(ty)).expect("most types fit");
        let is_static = random.one_in(2);
        let is_scalar = matches!(ty, Type::Scalar(name) if name != "pointer");
        let only = (is_static && !is_const && is_scalar && random.one_in(2)).then(|| random.next() & 0x3ff);
        Variable { name: format!("v{index}"), ty, section, is_static, is_const, only }
    }

    fn define(&self, text: &mut String, random: &mut Random, types: &Types) {
        let Variable { name, ty, section, is_static, is_const, .. } = self;
        let declared = types.declared(ty, name);
        let before = match (is_static, is_const) {
            (true, true) => "static const volatile ",
            (true, false) => "static ",
            (false, true) => "const volatile ",
            (false, false) => "",
        };
        let aligned = if random.one_in(8) { " __attribute__((aligned(32)))" } else { "" };
        // A static that the source puts into a section stays only if something says that it is used.
        let section = match section {
            Some(section) if random.one_in(2) => format!(" SEC(\"{section}\")"),
            Some(section) => format!(" IN(\"{section}\")"),
            None => String::new(),
        };
        let is_zero = section.contains(".bss") || random.one_in(3);
        // LLVM has `.percpu` and other sections of data only with initial values.
        let initial = if is_zero { String::new() } else { format!(" = {}", types.initial(random, ty)) };
        let initial = if is_zero && !section.is_empty() && !section.contains(".bss") {
            if matches!(ty, Type::Scalar(_) | Type::Enum(_)) { " = 0".to_owned() } else { " = {}".to_owned() }
        } else {
            initial
        };
        let _ = writeln!(text, "{before}{declared}{aligned}{section}{initial};");
    }
}

/// Writes functions.
struct Code<'a> {
    random: &'a mut Random,
    types: &'a Types,
    variables: &'a [Variable],
    /// Those that can be called.
    functions: usize,
}

impl Code<'_> {
    fn function(&mut self, text: &mut String) {
        let linkage = self.random.pick(&["static ", "static ", "", "__attribute__((visibility(\"hidden\"))) "]);
        let _ = writeln!(
            text,
            "{linkage}noinline u64 f{}(u64 a, u64 b)\n{{\n\topaque(a);\n\topaque(b);\n\tu64 r = a;",
            self.functions
        );
        self.block(text, 1);
        text.push_str("\treturn r;\n}\n");
        self.functions += 1;
    }

    fn entry(&mut self, text: &mut String) {
        text.push_str("SEC(\"raw_tp\") int entry(u64 *ctx)\n{\n\tu64 a = ctx[0], b = ctx[1], r = 1;\n");
        self.block(text, 2);
        text.push_str("\treturn (int)(r ^ (r >> 32));\n}\n");
    }

    /// Statements, with blocks of their own nested at most so deep.
    fn block(&mut self, text: &mut String, depth: usize) {
        for _ in 0..1 + self.random.below(6) {
            self.statement(text, depth);
        }
    }

    fn statement(&mut self, text: &mut String, depth: usize) {
        match self.random.below(9) {
            0 if depth > 0 => {
                let condition = self.expression(2);
                let _ = writeln!(text, "\tif ({condition}) {{");
                self.block(text, depth - 1);
                if self.random.one_in(2) {
                    text.push_str("\t} else {\n");
                    self.block(text, depth - 1);
                }
                text.push_str("\t}\n");
            }
            1 => self.each_element(text),
            2 => self.one_element(text),
            3 => self.copy(text),
            4 if self.functions > 0 => {
                let (function, a, b) = (self.random.below(self.functions), self.expression(1), self.expression(1));
                let _ = writeln!(text, "\tr += f{function}({a}, {b});");
            }
            5 | 6 => {
                let expression = self.expression(2);
                let _ = writeln!(text, "\tr = r * 31 + {expression};");
            }
            _ => self.assign(text),
        }
    }

    /// Writes a number of a variable.
    fn assign(&mut self, text: &mut String) {
        let written: Vec<_> = self.variables.iter().filter(|variable| !variable.is_const).collect();
        if written.is_empty() {
            return;
        }
        let variable = self.random.pick(&written);
        if let Some(only) = variable.only {
            let _ = writeln!(text, "\tif (a & {}) {} = {only};", 1 << self.random.below(8), variable.name);
            return;
        }
        let leaves = self.types.leaves(&variable.ty, &variable.name);
        let leaf = &leaves[self.random.below(leaves.len())];
        let expression = self.expression(2);
        let _ = if self.random.one_in(3) && !leaf.cast.starts_with("pointer") && !leaf.cast.starts_with("enum") {
            let operator = self.random.pick(&["+", "-", "^", "|", "&", "*"]);
            writeln!(text, "\t{} {operator}= {expression};", leaf.path)
        } else {
            writeln!(text, "\t{} = ({})({expression});", leaf.path, leaf.cast)
        };
    }

    /// A variable that is an array of numbers, and their number.
    fn array(&mut self) -> Option<(String, usize)> {
        let is_array = |variable: &&Variable| {
            !variable.is_const
                && matches!(&variable.ty, Type::Array(elem, _) if matches!(**elem, Type::Scalar(name) if name != "pointer"))
        };
        let arrays: Vec<_> = self.variables.iter().filter(is_array).collect();
        if arrays.is_empty() {
            return None;
        }
        let Variable { name, ty: Type::Array(_, count), .. } = self.random.pick(&arrays) else { return None };
        Some((name.clone(), *count))
    }

    fn each_element(&mut self, text: &mut String) {
        let Some((name, count)) = self.array() else { return self.assign(text) };
        let expression = self.expression(1);
        let _ = writeln!(text, "\tfor (int i = 0; i < {count}; i++) {name}[i] += ({expression}) + i;");
    }

    fn one_element(&mut self, text: &mut String) {
        let Some((name, count)) = self.array() else { return self.assign(text) };
        let (index, expression) = (self.expression(1), self.expression(1));
        // The largest mask that stays inside.
        let mask = ((count + 1).next_power_of_two() / 2).max(1) - 1;
        let _ = writeln!(
            text,
            "\t{{ u64 i = {index}; opaque(i); i &= {mask}; {name}[i] ^= {expression}; r += {name}[i]; }}"
        );
    }

    /// Copies one struct or union to another of its type.
    fn copy(&mut self, text: &mut String) {
        let records = self.variables.iter().filter(|variable| matches!(variable.ty, Type::Record(_)));
        let records: Vec<_> = records.filter(|variable| !variable.is_const).collect();
        if records.is_empty() {
            return self.assign(text);
        }
        let to = self.random.pick(&records);
        let same: Vec<_> = records.into_iter().filter(|from| from.ty == to.ty && from.name != to.name).collect();
        if same.is_empty() {
            return self.assign(text);
        }
        let _ = writeln!(text, "\t{} = {};", to.name, self.random.pick(&same).name);
    }

    fn leaf(&mut self) -> Leaf {
        let variable = &self.variables[self.random.below(self.variables.len())];
        let mut leaves = self.types.leaves(&variable.ty, &variable.name);
        leaves.swap_remove(self.random.below(leaves.len()))
    }

    /// A number, of operations nested at most so deep.
    fn expression(&mut self, depth: usize) -> String {
        if depth == 0 || self.random.one_in(4) {
            return match self.random.below(6) {
                0 => "a".to_owned(),
                1 => "b".to_owned(),
                2 => literal(self.random),
                _ => format!("(u64)({})", self.leaf().path),
            };
        }
        let [one, other] = [0; 2].map(|_| self.expression(depth - 1));
        match self.random.below(14) {
            0..=2 => format!("({one} + {other})"),
            3 | 4 => format!("({one} - {other})"),
            5 => format!("({one} * {other})"),
            6 => format!("({one} ^ {other})"),
            7 => format!("({one} & {other})"),
            8 => format!("({one} << ({other} & 63))"),
            9 => format!("({one} >> ({other} & 63))"),
            10 => format!("({one} / ({other} | 1))"),
            11 => format!("({one} % ({other} | 1))"),
            12 => format!("(u64)({one} < {other})"),
            _ => format!("({one} == 0 ? {other} : b)"),
        }
    }
}

/// `main`, up to the rounds: it prints what there is to know of each variable, and of each round.
///
/// The variables are `volatile` to it, so that not even an optimiser knows more than the program does.
fn main(text: &mut String, types: &Types, variables: &[Variable]) {
    text.push_str(
        "#ifndef __bpf__\n\
         static void hex(const char *what, const char *name, const volatile void *of, unsigned long size)\n{\n\
         \tprintf(\"%s %s \", what, name);\n\
         \tfor (unsigned long i = 0; i < size; i++) printf(\"%02x\", ((const volatile unsigned char *)of)[i]);\n\
         \tprintf(\"\\n\");\n}\n\
         static void values(void)\n{\n",
    );
    for Variable { name, .. } in variables {
        let _ = writeln!(text, "\thex(\"value\", \"{name}\", &{name}, sizeof({name}));");
    }
    text.push_str(
        "}\nstatic void run(u64 a, u64 b)\n{\n\tu64 ctx[] = { a, b };\n\
         \tprintf(\"result %u\\n\", (unsigned)entry(ctx));\n\tvalues();\n}\n\
         int main(void)\n{\n",
    );
    for Variable { name, ty, .. } in variables {
        let _ = writeln!(text, "\t{{ {}; memset(&t, 0, sizeof(t));", types.declared(ty, "t"));
        for Leaf { path, cast, is_bit_field } in types.leaves(ty, "t") {
            let _ = match (is_bit_field, cast.as_str()) {
                (true, "_Bool") => writeln!(text, "\t{path} = 1;"),
                (true, _) => writeln!(text, "\t{path} = -1;"),
                _ => writeln!(text, "\tmemset(&{path}, 0xff, sizeof({path}));"),
            };
        }
        let _ = writeln!(text, "\thex(\"mask\", \"{name}\", &t, sizeof(t)); }}");
        for piece in types.pieces(ty, name) {
            let _ = writeln!(
                text,
                "\tprintf(\"piece {name} %ld %lu\\n\", (char *)&{piece} - (char *)&{name}, sizeof({piece}));"
            );
        }
    }
    text.push_str("\tvalues();\n");
}
