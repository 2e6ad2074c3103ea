import { join, sep } from 'node:path'
import MagicString from 'magic-string'
import { parseAst, type Plugin } from 'vite'
import { INTERNAL_NAMES } from './internal-names.js'

/** Members of packages are not renamed. */
const SRC = join(import.meta.dirname, '..', 'src', sep)

const LETTERS = 'cdefghjklmoqrstuvwyzABCDEFGHIJKLMNOPQRSTUVWXYZ'

/**
 * The first names of the list are the most frequent and get one letter. All others have a `$` too, which no other
 * member has.
 */
export const SHORT_NAMES: ReadonlyMap<string, string> = new Map(
  INTERNAL_NAMES.map((name, at) => {
    const letter = LETTERS[at % LETTERS.length]!
    return [name, [letter, `$${letter}`, `${letter}$`, `$${letter}$`][Math.floor(at / LETTERS.length)]!]
  }),
)

/**
 * Gives short names to members that only this package's code knows: minifiers shorten variables, but never members. A
 * test checks what the list claims of each name.
 *
 * @param besides other files that pass such members to this code. Default: none.
 */
export function shortNames({ besides = /^$/ }: { readonly besides?: RegExp } = {}): Plugin {
  return {
    name: 'short-names',
    transform(code, id) {
      if (!id.startsWith(SRC) && !besides.test(id)) return null
      const short = new MagicString(code)
      for (const { start, end, name, shorthand } of members(parseAst(code))) {
        const instead = SHORT_NAMES.get(name)
        if (instead === undefined) continue
        if (shorthand) short.appendLeft(start, `${instead}: `)
        else short.update(start, end, instead)
      }
      return { code: short.toString(), map: short.generateMap({ hires: true }) }
    },
  }
}

interface Member {
  readonly start: number
  readonly end: number
  readonly name: string
  /** `{ name }`: the variable keeps its name. */
  readonly shorthand: boolean
}

const KEYED = ['Property', 'MethodDefinition', 'PropertyDefinition']

/** Where this part of a syntax tree names a member, other than by a text. */
function members(part: unknown): Member[] {
  if (typeof part !== 'object' || part === null) return []
  const { type, computed, shorthand, key, property } = part as {
    readonly type?: string
    readonly computed?: boolean
    readonly shorthand?: boolean
    readonly key?: Member & { readonly type: string }
    readonly property?: Member & { readonly type: string }
  }
  const named = type === 'MemberExpression' ? property : KEYED.includes(type ?? '') ? key : undefined
  const own =
    !computed && named?.type === 'Identifier'
      ? [{ start: named.start, end: named.end, name: named.name, shorthand: shorthand === true }]
      : []
  return [...own, ...Object.values(part).flatMap(members)]
}
