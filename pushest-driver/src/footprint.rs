//! What a client takes, by its parts.

#[test]
fn sizes() {
    macro_rules! show { ($($t:ty),* $(,)?) => { $(println!("{:>6} {}", size_of::<$t>(), stringify!($t));)* } }
    show!(crate::hub::Hub, crate::hub::State, pushest_proto::Session, pushest_proto::Config, crate::options::Options,
        crate::logging::Log, crate::receivers::Receivers, crate::dial::Dialer, crate::news::News, crate::frame_log::FrameLog);
}
