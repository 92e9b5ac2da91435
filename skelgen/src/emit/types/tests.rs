//! Tests of what is written for types put together by hand.
