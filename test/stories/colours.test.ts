import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PANEL_STYLE } from '../../src/devtools/panel-style.js'
import { ROOT } from '../kit/source-files.js'

type Palette = Record<string, string>

/** Each colour of a style sheet, in the light theme and in the dark one. */
function palettes(css: string): { light: Palette; dark: Palette } {
  const pairs = [...css.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{3,6}), (#[0-9a-f]{3,6})\)/g)]
  return {
    light: Object.fromEntries(pairs.map(([, name, light]) => [name!, light!])),
    dark: Object.fromEntries(pairs.map(([, name, , dark]) => [name!, dark!])),
  }
}

function luminance(colour: string): number {
  const digits =
    colour.length === 4 ? [...colour.slice(1)].map((digit) => digit + digit) : colour.slice(1).match(/../g)!
  const [red, green, blue] = digits.map((pair) => {
    const part = parseInt(pair, 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function contrast(a: string, b: string): number {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number]
  return (light + 0.05) / (dark + 0.05)
}

/** Text colours and their backgrounds, also on canvases, which the browser's own check does not see. */
const PAIRS = [
  ['ink', 'surface'],
  ['ink', 'ground'],
  ['muted', 'surface'],
  ['muted', 'ground'],
  ['leg-a', 'surface'],
  ['leg-b', 'surface'],
  ['bad', 'surface'],
  ['ink', 'leg-a-soft'],
  ['ink', 'leg-b-soft'],
  ['ink', 'bad-soft'],
] as const

describe.each([
  ['the stories', readFileSync(join(ROOT, 'stories/kit/tokens.css'), 'utf8')],
  ['the devtools', PANEL_STYLE],
])('the colours of %s', (_, css) => {
  const found = palettes(css)

  it('are each defined once, for light and for dark', () => {
    expect([...css.matchAll(/#[0-9a-f]{3,6}\b/g)]).toHaveLength(2 * Object.keys(found.light).length)
    expect(contrast('#ffffff', found.light['surface']!)).toBeLessThan(1.5)
    expect(contrast('#000000', found.dark['surface']!)).toBeLessThan(1.5)
  })

  it.each(['light', 'dark'] as const)('have enough contrast to read: %s', (theme) => {
    const palette = found[theme]
    const weak = PAIRS.map(
      ([text, behind]) => [text, behind, contrast(palette[text]!, palette[behind]!)] as const,
    ).filter(([, , ratio]) => !(ratio >= 4.5))
    expect(weak).toEqual([])
  })
})
