import { join, sep } from 'node:path'
import MagicString from 'magic-string'
import { parseAst, type Plugin } from 'vite'
import { INTERNAL_NAMES } from './internal-names.js'

/** Members of packages are none of ours. */
const SRC = join(import.meta.dirname, '..', 'src', sep)

const LETTERS = 'cdefghjklmoqrstuvwyzABCDEFGHIJKLMNOPQRSTUVWXYZ'

/** The first ones of the list are the most frequent: they get one letter. Two more are those of no other member. */
export const SHORT_NAMES: ReadonlyMap<string, string> = new Map(
  INTERNAL_NAMES.map((name, at) => {
    const letter = LETTERS[at % LETTERS.length]!
    return [name, [letter, `$${letter}`, `${letter}$`, `$${letter}$`][Math.floor(at / LETTERS.length)]!]
  }),
)

/**
 * Members that only this package's code knows get short names: minifiers shorten variables, and never members. A test
 * holds the list to what is known of each name.
 *
 * @param besides what other files hand such members to this code. Default none.
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
