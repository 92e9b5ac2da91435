//! A struct_ops map before the load: its members, and whether it is attached with the skeleton.

use crate::desc::StructOpsDesc;
use crate::open::OpenMap;
use crate::plain::Plain;
use crate::{Error, Result};

/// What can be changed of a struct_ops map.
#[derive(Clone, Debug)]
pub(crate) struct OpenStructOps {
    pub(crate) autoattach: bool,
    /// As the object lays it out; 0 where it has programs.
    pub(crate) value: Vec<u8>,
    /// By member.
    pub(crate) programs: Vec<Option<usize>>,
    members: Vec<Place>,
}

/// Where a member is.
#[derive(Clone, Debug)]
struct Place {
    name: Box<str>,
    offset: usize,
    size: usize,
    function: bool,
}

impl OpenStructOps {
    pub(crate) fn new(desc: &StructOpsDesc<'_>) -> OpenStructOps {
        let places = desc.members.iter().map(|member| Place {
            name: member.name.into(),
            offset: member.offset as usize,
            size: member.size as usize,
            function: member.function,
        });
        OpenStructOps {
            autoattach: true,
            value: desc.init.to_vec(),
            programs: desc.members.iter().map(|member| member.program).collect(),
            members: places.collect(),
        }
    }
}

/// Of struct_ops maps. Members are known by their place among the struct's, as generated code knows them; that gives
/// them names and types.
impl OpenMap {
    /// Whether attaching the whole skeleton registers the map.
    #[must_use]
    pub fn autoattach(&self) -> bool {
        self.struct_ops.as_ref().is_some_and(|ops| ops.autoattach)
    }

    /// Changes whether attaching the whole skeleton registers the map.
    ///
    /// # Errors
    ///
    /// It is no struct_ops map: no others are attached.
    pub fn set_autoattach(&mut self, autoattach: bool) -> Result<()> {
        self.ops_mut("set autoattach of map")?.autoattach = autoattach;
        Ok(())
    }

    /// The first value of member number `index` of a struct_ops map's struct.
    ///
    /// # Errors
    ///
    /// It is no struct_ops map, or the struct has not that many members, or this one has another size than `T`.
    pub fn member<T: Plain>(&self, index: usize) -> Result<T> {
        const WHAT: &str = "read a member of map";
        let ops = self.struct_ops.as_ref().ok_or_else(|| self.not_struct_ops(WHAT))?;
        let place = ops.members.get(index).ok_or_else(|| self.no_member(WHAT, index))?;
        let bytes = ops.value.get(place.offset..).and_then(|rest| rest.get(..place.size));
        let mut value = T::zeroed();
        match bytes {
            Some(bytes) if bytes.len() == size_of::<T>() => value.as_bytes_mut().copy_from_slice(bytes),
            _ => return Err(self.failed(WHAT).because(place.other_size(size_of::<T>()))),
        }
        Ok(value)
    }

    /// Changes the first value of member number `index` of a struct_ops map's struct.
    ///
    /// # Errors
    ///
    /// As for [`member`](Self::member).
    pub fn set_member<T: Plain>(&mut self, index: usize, value: &T) -> Result<()> {
        const WHAT: &str = "set a member of map";
        let (failed, none) = (self.failed(WHAT), self.no_member(WHAT, index));
        let ops = self.ops_mut(WHAT)?;
        let place = ops.members.get(index).ok_or(none)?;
        let bytes = ops.value.get_mut(place.offset..).and_then(|rest| rest.get_mut(..place.size));
        match bytes {
            Some(bytes) if bytes.len() == size_of::<T>() => bytes.copy_from_slice(value.as_bytes()),
            _ => return Err(failed.because(place.other_size(size_of::<T>()))),
        }
        Ok(())
    }

    /// The program in member number `index` of a struct_ops map's struct, by its number.
    ///
    /// # Errors
    ///
    /// It is no struct_ops map, or the struct has not that many members.
    pub fn member_program(&self, index: usize) -> Result<Option<usize>> {
        const WHAT: &str = "read a member of map";
        let ops = self.struct_ops.as_ref().ok_or_else(|| self.not_struct_ops(WHAT))?;
        ops.programs.get(index).copied().ok_or_else(|| self.no_member(WHAT, index))
    }

    /// Puts a program, by its number, into member number `index` of a struct_ops map's struct, or has it empty. A
    /// program that is in no map any more is not loaded.
    ///
    /// # Errors
    ///
    /// It is no struct_ops map, or the struct has not that many members, or this one is not a pointer to a function.
    pub fn set_member_program(&mut self, index: usize, program: Option<usize>) -> Result<()> {
        const WHAT: &str = "set a member of map";
        let (failed, none) = (self.failed(WHAT), self.no_member(WHAT, index));
        let ops = self.ops_mut(WHAT)?;
        match (ops.members.get(index), ops.programs.get_mut(index)) {
            (Some(Place { function: true, .. }), Some(place)) => *place = program,
            (Some(place), _) => {
                return Err(failed.because(format!("`{}` is not a pointer to a function", place.name)));
            }
            _ => return Err(none),
        }
        Ok(())
    }

    fn ops_mut(&mut self, what: &'static str) -> Result<&mut OpenStructOps> {
        let error = self.not_struct_ops(what);
        self.struct_ops.as_mut().ok_or(error)
    }

    fn failed(&self, what: &'static str) -> Error {
        Error::new(what).subject(&*self.name)
    }

    fn not_struct_ops(&self, what: &'static str) -> Error {
        self.failed(what).because("it is not a struct_ops map")
    }

    fn no_member(&self, what: &'static str, index: usize) -> Error {
        self.failed(what).because(format!("its struct has no member number {index}"))
    }
}

impl Place {
    fn other_size(&self, size: usize) -> String {
        format!("`{}` has {} bytes, the type {size}", self.name, self.size)
    }
}
