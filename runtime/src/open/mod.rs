//! A skeleton before it is loaded: what can still be changed about its maps, programs and variables.

mod map;
mod program;

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

use crate::desc::{Bytes, MapDesc, ObjectDesc, ProgDesc};
use crate::image::{Header, Malformed};
use crate::plain::Plain;
use crate::token::TokenFrom;
use crate::{Error, Result, layout, plain};
pub use map::OpenMap;
pub use program::OpenProgram;
pub(crate) use program::Target;

/// How programs get at `.percpu` variables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PerCpuMode {
    /// Directly where the kernel can, by lookup where it cannot.
    #[default]
    Auto,
    /// Directly (Linux 7.3); a kernel that cannot refuses the section or the programs.
    Native,
    /// By lookup, which every kernel can.
    Lowered,
}

/// An object that is about to be loaded.
///
/// `{:?}` shows its name and what is set for the whole object; [`maps`](Opened::maps) and [`programs`](Opened::programs) are
/// what it has.
pub struct Opened<'a> {
    pub(crate) desc: ObjectDesc<'a>,
    /// The whole image.
    image: Cow<'a, [u8]>,
    pub(crate) header: Header,
    pub(crate) mode: PerCpuMode,
    /// What the user says that the kernel is configured with.
    pub(crate) kconfig: Option<Box<str>>,
    pub(crate) token: TokenFrom,
}

impl fmt::Debug for Opened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("name", &self.desc.name)
            .field("mode", &self.mode)
            .field("kconfig", &self.kconfig.as_ref().map(|text| Bytes(text.as_bytes())))
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}

impl<'a> Opened<'a> {
    /// Checks a description; the kernel is not asked for anything.
    ///
    /// # Errors
    ///
    /// The description contradicts itself, its loader program or a record of its image is not as the generator writes them,
    /// or it was generated for the other byte order.
    pub fn new(desc: &ObjectDesc<'a>) -> Result<Opened<'a>> {
        let named = |error: Error| error.object(desc.name);
        let malformed = |why: Malformed| named(Error::new("read the loader's image").because(why.0));
        let image = desc.image.expand().map_err(malformed)?;
        let header = layout::check(desc, &image).map_err(named)?;
        Ok(Opened { desc: *desc, image, header, mode: PerCpuMode::Auto, kconfig: None, token: TokenFrom::default() })
    }

    /// The object's name.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.desc.name
    }

    /// What it says of its maps.
    #[must_use]
    pub fn maps(&self) -> &'a [MapDesc<'a>] {
        self.desc.maps
    }

    /// What it says of its programs.
    #[must_use]
    pub fn programs(&self) -> &'a [ProgDesc<'a>] {
        self.desc.progs
    }

    /// How its programs are to get at `.percpu` variables.
    pub fn set_percpu_mode(&mut self, mode: PerCpuMode) {
        self.mode = mode;
    }

    /// Has the load use a token of the BPF file system mounted at `path`.
    ///
    /// If nothing is said, it is that at the path that the variable `LIBBPF_BPF_TOKEN_PATH` has in the environment, or none
    /// if the variable is empty. Without the variable, a process in a user namespace uses a token of `/sys/fs/bpf` if
    /// there is one to be had.
    pub fn set_token(&mut self, path: impl Into<PathBuf>) {
        self.token = TokenFrom::Path(path.into());
    }

    /// Has the load use no token, whatever the environment says.
    pub fn clear_token(&mut self) {
        self.token = TokenFrom::Nowhere;
    }

    /// All maps, to change and to hand to [`load`](Opened::load).
    ///
    /// # Errors
    ///
    /// There are not `N`.
    pub fn open_maps<const N: usize>(&self) -> Result<[OpenMap; N]> {
        self.all_maps().try_into().map_err(|_| self.miscounted("maps", N))
    }

    /// All programs, to change and to hand to [`load`](Opened::load).
    ///
    /// # Errors
    ///
    /// There are not `N`.
    pub fn open_programs<const N: usize>(&self) -> Result<[OpenProgram; N]> {
        self.all_programs().try_into().map_err(|_| self.miscounted("programs", N))
    }

    /// The whole image, as it is before a load.
    pub(crate) fn image(&self) -> &[u8] {
        &self.image
    }

    pub(crate) fn all_maps(&self) -> Vec<OpenMap> {
        self.desc.maps.iter().enumerate().map(|(index, desc)| OpenMap::new(index, desc)).collect()
    }

    pub(crate) fn all_programs(&self) -> Vec<OpenProgram> {
        self.desc.progs.iter().enumerate().map(|(index, desc)| OpenProgram::new(index, desc)).collect()
    }

    /// Map number `index`, to change and to hand to [`load`](Opened::load).
    ///
    /// # Errors
    ///
    /// There are not that many.
    pub fn map(&self, index: usize) -> Result<OpenMap> {
        let desc = self.desc.maps.get(index).ok_or_else(|| self.missing("map", index))?;
        Ok(OpenMap::new(index, desc))
    }

    /// Program number `index`, to change and to hand to [`load`](Opened::load).
    ///
    /// # Errors
    ///
    /// There are not that many.
    pub fn program(&self, index: usize) -> Result<OpenProgram> {
        let desc = self.desc.progs.get(index).ok_or_else(|| self.missing("program", index))?;
        Ok(OpenProgram::new(index, desc))
    }

    /// The first value of data section number `map`, or of the variables in the arena that is map number `map`, for the
    /// user to change and [`load`](Opened::load) to take.
    ///
    /// # Errors
    ///
    /// The map is no data section and has no variables, or its value not as long as `T`.
    pub fn value<T: Plain>(&self, map: usize) -> Result<Box<T>> {
        let bytes = self.first_bytes(map)?;
        plain::boxed_fitting(&bytes).ok_or_else(|| self.misfit(map, bytes.len(), size_of::<T>()))
    }

    fn first_bytes(&self, map: usize) -> Result<Cow<'_, [u8]>> {
        let desc = self.desc.maps.get(map).ok_or_else(|| self.missing("map", map))?;
        let (init, size) = desc.variables().ok_or_else(|| self.no_value(map, "it is no data section".to_owned()))?;
        let Some((at, len)) = init else { return Ok(vec![0; size as usize].into()) };
        let bytes = self.image.get(at as usize..).and_then(|rest| rest.get(..len as usize));
        bytes.map(Cow::Borrowed).ok_or_else(|| self.no_value(map, "it is not inside the image".to_owned()))
    }

    fn misfit(&self, map: usize, is: usize, should: usize) -> Error {
        self.no_value(map, format!("it has {is} bytes, the type {should}"))
    }

    fn no_value(&self, map: usize, why: String) -> Error {
        let name = self.desc.maps.get(map).map_or("", |desc| desc.name);
        Error::new("read the first value of").subject(name).object(self.desc.name).because(why)
    }

    fn miscounted(&self, what: &str, wanted: usize) -> Error {
        Error::new(format!("open {what}")).object(self.desc.name).because(format!("there are not {wanted}"))
    }

    fn missing(&self, what: &str, index: usize) -> Error {
        Error::new(format!("find {what} number {index}")).object(self.desc.name).because("there are not that many")
    }
}
