from uuid import RFC_4122, UUID

from domain.kernel import ids


def test_new_identifiers_are_of_version_7_and_differ() -> None:
    found = [ids.new() for _ in range(1000)]
    assert {one.version for one in found} == {7}
    assert {one.variant for one in found} == {RFC_4122}
    assert len(set(found)) == len(found)


def test_new_identifiers_ascend_by_the_millisecond() -> None:
    millis = [ids.new().int >> 80 for _ in range(1000)]
    assert millis == sorted(millis)


def test_an_identifier_follows_from_what_it_names() -> None:
    assert ids.of("invoice", "s1", 2024) == ids.of("invoice", "s1", 2024)
    assert ids.of("invoice", "s1", 2024) == UUID("5fba3b78-e1a3-51c8-9676-37781410cf00"), (
        "stored identifiers are found again"
    )


def test_what_is_named_otherwise_has_another_identifier() -> None:
    named = {ids.of("invoice", "a", "b"), ids.of("invoice", "ab"), ids.of("invoice", "a"), ids.of("fee", "a", "b")}
    assert len(named) == 4
