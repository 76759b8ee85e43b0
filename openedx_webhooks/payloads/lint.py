import attrs
@attrs.frozen
class Finding:
    start: int
    end: int
    message: str
    suggestion: str = ""
def lint(text, schema, samples=(), *, is_condition=False): return []
def lint_answer(text, schema, samples, keys, exceptions): return []
def examples(schema, sample): return {}
