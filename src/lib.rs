//! Passavant: border-post verification of licences for firearms, their parts and components, and
//! ammunition.
