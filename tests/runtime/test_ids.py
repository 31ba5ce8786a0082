from labmail.runtime.ids import Ids


def test_equal_seeds_give_equal_identifiers() -> None:
    def story(ids: Ids) -> list[object]:
        return [
            ids.queue_id("a"),
            ids.message_id("hanoi.example"),
            ids.boundary(),
            ids.uidvalidity(),
            ids.token("file"),
            ids.pick(["mx1", "mx2", "mx3"], "saigon"),
        ]

    assert story(Ids("x")) == story(Ids("x"))
    assert story(Ids("x")) != story(Ids("y"))


def test_one_kind_does_not_shift_another() -> None:
    one, two = Ids("x"), Ids("x")
    one.boundary()
    assert one.queue_id("a") == two.queue_id("a")


def test_queue_ids_do_not_repeat() -> None:
    ids = Ids("x")
    drawn = {ids.queue_id("a") for _ in range(10_000)}
    assert len(drawn) == 10_000
    assert all(len(i) == 8 and i.isalnum() and i.isascii() for i in drawn)


def test_uidvalidity_is_a_nonzero_32_bit_number() -> None:
    ids = Ids("x")
    assert all(0 < ids.uidvalidity() < 2**32 for _ in range(1000))


def test_ties_are_broken_by_seed_and_key_not_by_order() -> None:
    ids = Ids("x")
    assert ids.pick(["a", "b", "c"], "k") == ids.pick(["c", "b", "a"], "k")
    firsts = {ids.pick(["a", "b"], str(n))[0] for n in range(50)}
    assert firsts == {"a", "b"}


def test_a_lot_is_drawn_anew_each_time() -> None:
    orders = [Ids("x").shuffle(["a", "b", "c"], "k"), Ids("x").shuffle(["c", "b", "a"], "k")]
    assert orders[0] == orders[1]
    ids = Ids("x")
    assert len({tuple(ids.shuffle(["a", "b", "c"], "k")) for _ in range(100)}) == 6


def test_numbers_go_on_behind_an_earlier_run() -> None:
    ids = Ids()
    assert [ids.number("parcel"), ids.number("parcel")] == [1, 2]
    ids.skip_to("parcel", 40)
    assert ids.number("parcel") == 41
    ids.skip_to("parcel", 3)
    assert ids.number("parcel") == 42


def test_lots_are_spread_and_depend_on_seed_and_key_only() -> None:
    lots = [Ids("x").lot(str(n)) for n in range(1000)]
    assert lots == [Ids("x").lot(str(n)) for n in range(1000)]
    assert all(0 <= lot < 1 for lot in lots)
    assert 400 < sum(lot < 0.5 for lot in lots) < 600
