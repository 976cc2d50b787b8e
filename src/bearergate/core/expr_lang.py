"""The expr-lang (https://expr-lang.org) that OpenDepot's bindings are written in, as far as they need it, made CEL.

A real grammar, with types of its own so that every refusal has its place; the verdict of expr-lang for all that is
accepted. CEL forgives an error on one side of `||` or `&&` when the other side decides, and expr-lang does not: both
become conditions, and inside of predicates nothing is accepted that could fail. The only file that imports lark (extra
`cel`).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from bearergate.core.cel_limits import MAX_DEPTH
from bearergate.core.expr_lang_rules import PREDICATES, condition
from bearergate.core.expr_lang_types import refuse
from bearergate.core.expression import Expression, ExpressionProblem, check_length, compile_cel

if TYPE_CHECKING:
    from lark import Lark, Token, Tree

MAX_NESTING: Final = 64

GRAMMAR: Final = r"""
?start: choice
?choice: either | either QUESTION choice _COLON choice
?either: both | both (_OR both)+ -> any_of
?both: relation | relation (_AND relation)+ -> all_of
?relation: unary | relation operator unary
operator: COMPARISON | NOT? WORD
?unary: item | (NOT | BANG) unary -> negation | MINUS number -> negative
?item: atom | item "[" MINUS? INT "]"
?atom: number | NAME -> name | TEXT -> text | RAW -> raw | POINTER -> pointer
    | OPEN (choice ("," choice)* ","?)? "]" -> list
    | NAME "(" (argument ("," argument)* ","?)? ")" -> call
    | "(" choice ")"
?argument: choice | "{" choice "}" -> block
?number: INT -> whole | FLOAT -> fraction

_OR.2: "||" | /or(?![\w$])/
_AND.2: "&&" | /and(?![\w$])/
NOT.2: /not(?![\w$])/
WORD.2: /(?:in|matches|contains|startsWith|endsWith)(?![\w$])/
COMPARISON: "==" | "!=" | "<=" | ">=" | "<" | ">"
BANG: "!"
MINUS: "-"
OPEN: "["
QUESTION: /\?(?![.?])/
_COLON: /:(?!:)/
POINTER: /\#(?![\w$#])/
NAME: /(?:[^\W\d]|\$)[\w$]*/
FLOAT.2: /(?:[0-9][0-9_]*)?\.[0-9][0-9_]*(?:[eE][+-]?[0-9]+)?(?![\w$.])/
    | /[0-9][0-9_]*\.(?![\w$.])/
    | /[0-9][0-9_]*[eE][+-]?[0-9]+(?![\w$.])/
INT: /[0-9][0-9_]*(?![\w$.])/
TEXT: /"(?:[^"\\\r\n]|\\.)*"|'(?:[^'\\\r\n]|\\.)*'/
RAW: /`(?:[^`]|``)*`/
BLANK: /[\t\n\x0b\x0c\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/
COMMENT: /\/\/[^\n]*|\/\*(?:[^*]|\*(?!\/))*\*\//
%ignore BLANK
%ignore COMMENT
"""


def compile_expr_lang(text: str) -> Expression:
    """The expression that an expr-lang text is; raises ExpressionProblem.

    ModuleNotFoundError when the extra `cel` is not installed.
    """
    cel = translate(text)
    try:
        return compile_cel(cel, text)
    except ExpressionProblem as problem:
        # What its place is in the translation tells nobody anything.
        raise ExpressionProblem(problem.problem, 1, 1) from None


def translate(text: str) -> str:
    """The CEL text of an expr-lang text; raises ExpressionProblem, and nothing else."""
    check_length(text)
    tree = _parse(text)
    _check_depth(tree)
    return condition(tree, None).text


@cache
def _parser() -> Lark:
    from lark import Lark

    # The basic lexer, because a keyword is one wherever it stands.
    return Lark(GRAMMAR, parser="lalr", lexer="basic", maybe_placeholders=False)


def _parse(text: str) -> Tree[Token]:
    from lark import UnexpectedCharacters, UnexpectedToken

    try:
        return _parser().parse(text)
    except UnexpectedCharacters as problem:
        raise ExpressionProblem(f"unexpected character {problem.char!r}", problem.line, problem.column) from None
    except UnexpectedToken as problem:
        token = problem.token
        if token.type == "$END":
            raise ExpressionProblem("ends too early", text.count("\n") + 1, len(text) - text.rfind("\n")) from None
        raise ExpressionProblem(f"unexpected {str(token)[:40]!r}", token.line or 0, token.column or 0) from None


def _check_depth(tree: Tree[Token]) -> None:
    """Raise for a tree that is too deep to be walked by functions that call themselves, or for CEL."""
    waiting = [(tree, 1, 0)]
    while waiting:
        node, depth, predicates = waiting.pop()
        if depth > MAX_NESTING:
            refuse(node, "is nested too deeply")
        if node.data == "call" and node.children[0] in PREDICATES:
            predicates += 1
            if predicates > MAX_DEPTH:
                refuse(node, f"predicates inside of predicates, or on their results, more than {MAX_DEPTH} deep")
        waiting += [(child, depth + 1, predicates) for child in node.children if not isinstance(child, str)]
