"""A published column never vanishes, and never changes its type, without a word beforehand."""

from pipelines.publish.changes import problems, published_columns, read_lives


def test_every_published_column_is_as_it_was_promised(template, settings):
    lives = read_lives(settings.reference / "published_columns.csv")
    assert problems(lives, published_columns(template), settings.deprecation_months) == []
