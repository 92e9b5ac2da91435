//! 80 programs and 70 maps: each handle is that of its program or map, whichever others are left out.

use skelgen_runtime::{Map, OpenProgram, Program};
use skelgen_tests::may_load;
use skelgen_tests::skeletons::many::{LoadedMany, Many, OpenMany};

use crate::cpus::{online, run_on};
use crate::info::{map_info, maps_of, prog_info};

/// The number of `many`'s first program, and of its first map.
const FIRST: u32 = 100;

fn open_programs(open: &mut OpenMany) -> [&mut OpenProgram; 80] {
    macro_rules! these {
        ($($name:ident)*) => { [$(&mut open.progs.$name),*] };
    }
    these! {
        prog_100 prog_101 prog_102 prog_103 prog_104 prog_105 prog_106 prog_107 prog_108 prog_109 prog_110 prog_111
        prog_112 prog_113 prog_114 prog_115 prog_116 prog_117 prog_118 prog_119 prog_120 prog_121 prog_122 prog_123
        prog_124 prog_125 prog_126 prog_127 prog_128 prog_129 prog_130 prog_131 prog_132 prog_133 prog_134 prog_135
        prog_136 prog_137 prog_138 prog_139 prog_140 prog_141 prog_142 prog_143 prog_144 prog_145 prog_146 prog_147
        prog_148 prog_149 prog_150 prog_151 prog_152 prog_153 prog_154 prog_155 prog_156 prog_157 prog_158 prog_159
        prog_160 prog_161 prog_162 prog_163 prog_164 prog_165 prog_166 prog_167 prog_168 prog_169 prog_170 prog_171
        prog_172 prog_173 prog_174 prog_175 prog_176 prog_177 prog_178 prog_179
    }
}

fn programs(skel: &LoadedMany) -> [&Program; 80] {
    macro_rules! these {
        ($($name:ident)*) => { [$(&skel.progs.$name),*] };
    }
    these! {
        prog_100 prog_101 prog_102 prog_103 prog_104 prog_105 prog_106 prog_107 prog_108 prog_109 prog_110 prog_111
        prog_112 prog_113 prog_114 prog_115 prog_116 prog_117 prog_118 prog_119 prog_120 prog_121 prog_122 prog_123
        prog_124 prog_125 prog_126 prog_127 prog_128 prog_129 prog_130 prog_131 prog_132 prog_133 prog_134 prog_135
        prog_136 prog_137 prog_138 prog_139 prog_140 prog_141 prog_142 prog_143 prog_144 prog_145 prog_146 prog_147
        prog_148 prog_149 prog_150 prog_151 prog_152 prog_153 prog_154 prog_155 prog_156 prog_157 prog_158 prog_159
        prog_160 prog_161 prog_162 prog_163 prog_164 prog_165 prog_166 prog_167 prog_168 prog_169 prog_170 prog_171
        prog_172 prog_173 prog_174 prog_175 prog_176 prog_177 prog_178 prog_179
    }
}

fn maps(skel: &LoadedMany) -> [&Map; 70] {
    macro_rules! these {
        ($($name:ident)*) => { [$(skel.maps.$name.map()),*] };
    }
    these! {
        map_100 map_101 map_102 map_103 map_104 map_105 map_106 map_107 map_108 map_109 map_110 map_111 map_112
        map_113 map_114 map_115 map_116 map_117 map_118 map_119 map_120 map_121 map_122 map_123 map_124 map_125
        map_126 map_127 map_128 map_129 map_130 map_131 map_132 map_133 map_134 map_135 map_136 map_137 map_138
        map_139 map_140 map_141 map_142 map_143 map_144 map_145 map_146 map_147 map_148 map_149 map_150 map_151
        map_152 map_153 map_154 map_155 map_156 map_157 map_158 map_159 map_160 map_161 map_162 map_163 map_164
        map_165 map_166 map_167 map_168 map_169
    }
}

/// The number and the name of each program, and the map that it counts in.
fn numbered<'s>(skel: &'s LoadedMany) -> impl Iterator<Item = (u32, &'s Program, &'s Map)> {
    let maps = maps(skel);
    let pair = move |(program, n): (&'s Program, u32)| (n, program, maps[(n - FIRST).min(69) as usize]);
    programs(skel).into_iter().zip(FIRST..).map(pair)
}

/// The program, its map and its result are those of its number; the last ten share a map.
fn is_number(n: u32, program: &Program, map: &Map) {
    assert_eq!((prog_info(program).name(), program.name()), (&*format!("prog_{n}"), &*format!("prog_{n}")));
    assert_eq!((map_info(map).name(), map.name()), (&*format!("map_{}", n.min(169)), &*format!("map_{}", n.min(169))));
    assert_eq!(maps_of(program), [map_info(map).id], "prog_{n}");
    map.update(&[0; 4], &1000u64.to_ne_bytes(), Default::default()).unwrap();
    assert_eq!(run_on(online().last(), program, [0; 2]), n + 1001);
    assert_eq!(map.lookup(&[0; 4]).unwrap(), Some(1001u64.to_ne_bytes().to_vec()));
}

#[test]
fn many_load_whole_and_in_order() {
    if !may_load() {
        return;
    }
    let skel = Many::open().unwrap().load().unwrap();
    assert_eq!(numbered(&skel).count(), 80);
    numbered(&skel).for_each(|(n, program, map)| is_number(n, program, map));
}

#[test]
fn what_is_left_out_moves_nothing() {
    if !may_load() {
        return;
    }
    // The first, the last, single ones and runs of them.
    let wanted = |n: u32| n.is_multiple_of(3) && !(120..140).contains(&n) && n != FIRST && n != 179;
    let mut open = Many::open().unwrap();
    open_programs(&mut open).into_iter().zip(FIRST..).for_each(|(program, n)| program.set_autoload(wanted(n)));
    let skel = open.load().unwrap();
    for (n, program, map) in numbered(&skel) {
        assert_eq!(program.is_loaded(), wanted(n), "prog_{n}");
        if wanted(n) {
            is_number(n, program, map);
            continue;
        }
        let error = program.fd().unwrap_err();
        assert_eq!(error.subject_name(), Some(&*format!("prog_{n}")));
        assert!(error.to_string().contains("its autoload is off"), "{error}");
        assert!(program.test_run(Default::default()).is_err());
    }
}
