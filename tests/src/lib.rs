pub mod skeletons;
