//! Instructions of the core's paths, counted by callgrind; `bench/instructions` runs it and compares
//! with what is committed. What is set up and dropped is not counted.
#![forbid(unsafe_code)]

use gungraun::prelude::*;
use pushest_bench::core::{Channels, Members, Private, Shape, Single};

/// What happens once in many events is in the figure, too.
const EVENTS: u64 = 100;

fn one_channel(size: usize, shape: Shape) -> Channels {
    Channels::new(1, size, shape)
}

fn many_channels(count: u64) -> Channels {
    Channels::new(count, 208, Shape::Laravel)
}

#[library_benchmark(setup = one_channel)]
#[bench::bytes_208_plain(208, Shape::Plain)]
#[bench::bytes_208_laravel(208, Shape::Laravel)]
#[bench::bytes_208_dense(208, Shape::Dense)]
#[bench::bytes_208_object(208, Shape::Object)]
#[bench::bytes_1024(1_024, Shape::Laravel)]
#[bench::bytes_8192(8_192, Shape::Laravel)]
fn events(mut channels: Channels) -> Channels {
    channels.route(EVENTS);
    channels
}

#[library_benchmark(setup = one_channel)]
#[bench::bytes_208_plain(208, Shape::Plain)]
#[bench::bytes_208_laravel(208, Shape::Laravel)]
#[bench::bytes_208_dense(208, Shape::Dense)]
#[bench::bytes_208_object(208, Shape::Object)]
#[bench::bytes_1024(1_024, Shape::Laravel)]
#[bench::bytes_8192(8_192, Shape::Laravel)]
fn skipped_by_serde_json(mut channels: Channels) -> Channels {
    channels.skip(EVENTS);
    channels
}

#[library_benchmark(setup = many_channels)]
#[bench::channels_100000(100_000)]
fn events_among_many(mut channels: Channels) -> Channels {
    channels.route(EVENTS);
    channels
}

#[library_benchmark(setup = Members::new)]
#[bench::members_100000(100_000)]
fn join(mut members: Members) -> Members {
    members.join();
    members
}

fn with_guest(count: u64) -> Members {
    let mut members = Members::new(count);
    members.join();
    members
}

#[library_benchmark(setup = with_guest)]
#[bench::members_100000(100_000)]
fn leave(mut members: Members) -> Members {
    members.leave();
    members
}

#[library_benchmark(setup = Single::new)]
#[bench::private()]
fn subscribe(mut single: Single) -> Single {
    single.subscribe();
    single
}

fn subscribed() -> Single {
    let mut single = Single::new();
    single.subscribe();
    single.confirm();
    single
}

#[library_benchmark(setup = subscribed)]
#[bench::private()]
fn trigger(mut single: Single) -> Single {
    single.trigger();
    single
}

fn dialled(count: usize) -> Private {
    let mut private = Private::new(count);
    private.lose();
    private
}

#[library_benchmark(setup = dialled)]
#[bench::private_10000(10_000)]
fn resubscribe(mut private: Private) -> Private {
    private.resubscribe();
    private.confirm();
    private
}

library_benchmark_group!(
    name = core,
    benchmarks = [
        events,
        skipped_by_serde_json,
        events_among_many,
        join,
        leave,
        subscribe,
        trigger,
        resubscribe
    ]
);

main!(library_benchmark_groups = core);
