import { createHash } from 'node:crypto'
import { BEGAN, START } from './world-clock.js'

export interface State {
  /** Milliseconds since the world began. */
  readonly elapsed: number
  readonly [part: string]: unknown
}

/** Where a function or an object with methods says what its variables are: test/prove/visible.ts. */
const HELD = Symbol.for('livesocket.held')

/**
 * What only counts or numbers what has happened: two states that differ in nothing else go on in the same way. `sent`
 * and `order` number what is in a queue that is in its order anyway.
 */
export const COUNTS: ReadonlySet<string> = new Set(['sent', 'order', 'stats', 'counters', '__counts'])

/** A number so much above what a clock began with is a moment, and only its distance from now counts. */
const SPAN = 10_000_000

/**
 * All that can be reached from `root` as one hash, whatever it is called and whenever it happens: the same for two
 * states that nothing which is visible tells apart.
 */
export function stateHash(root: State): string {
  return createHash('sha1').update(stateText(root)).digest('base64')
}

export function stateText({ elapsed, ...root }: State): string {
  const numbers = new Map<object, number>()
  let text = ''

  function number(value: number) {
    const began = value >= START ? START : BEGAN
    if (value < began || value > began + SPAN) text += value
    else text += `@${Math.round((value - began - elapsed) * 1_000) / 1_000}`
  }

  function visit(value: unknown): void {
    switch (typeof value) {
      case 'number':
        return number(value)
      case 'string':
        return void (text += JSON.stringify(value))
      case 'function':
      case 'object':
        if (value === null) return void (text += 'null')
        return object(value as object)
      default:
        text += String(value)
    }
  }

  function fields(one: object) {
    for (const key of Object.keys(one)) {
      if (COUNTS.has(key)) continue
      text += `${key}:`
      visit((one as Record<string, unknown>)[key])
      text += ','
    }
  }

  function object(one: object) {
    const known = numbers.get(one)
    if (known !== undefined) return void (text += `#${known}`)
    numbers.set(one, numbers.size)
    if (one instanceof Error) return void (text += `${one.name}(${one.message})`)
    if (Array.isArray(one)) {
      text += '['
      for (const item of one) {
        visit(item)
        text += ','
      }
      text += ']'
    } else if (one instanceof Map) {
      text += 'M{'
      for (const [key, value] of one) {
        visit(key)
        text += '='
        visit(value)
        text += ','
      }
      text += '}'
    } else if (one instanceof Set) {
      text += 'S{'
      for (const item of one) {
        visit(item)
        text += ','
      }
      text += '}'
    } else {
      text += typeof one === 'function' ? `f{${one.name} ` : '{'
      fields(one)
      const held = (one as { [HELD]?: () => readonly unknown[] })[HELD]
      if (held)
        for (const variable of held()) {
          visit(variable)
          text += ','
        }
      text += '}'
    }
  }

  visit(root)
  return text
}
