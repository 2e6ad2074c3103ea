import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PANEL_STYLE } from '../../src/devtools/panel-style.js'
import { ROOT } from '../kit/source-files.js'

type Palette = Record<string, string>

/** The palettes of a style sheet: light first, then the two that must be the same dark one. */
function palettes(css: string): Palette[] {
  return [...css.matchAll(/\{([^{}]*--surface:[^{}]*)\}/g)].map(([, block]) =>
    Object.fromEntries([...block!.matchAll(/--([\w-]+):\s*(#[0-9a-f]{3,6})/g)].map(([, name, value]) => [name!, value!])),
  )
}

function luminance(colour: string): number {
  const digits = colour.length === 4 ? [...colour.slice(1)].map((digit) => digit + digit) : colour.slice(1).match(/../g)!
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

/** Text on what it stands on. In the stories the browser's own check sees the light ones only, and no canvas. */
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

  it('are one light palette and one dark one, whether the system or the reader asked for it', () => {
    expect(found).toHaveLength(3)
    expect(found[1]).toEqual(found[2])
    expect(contrast('#ffffff', found[0]!['surface']!)).toBeLessThan(1.5)
    expect(contrast('#000000', found[1]!['surface']!)).toBeLessThan(1.5)
  })

  it.each([
    ['light', 0],
    ['dark', 1],
  ])('can be read: %s', (_, index) => {
    const palette = found[index]!
    const weak = PAIRS.map(([text, behind]) => [text, behind, contrast(palette[text]!, palette[behind]!)] as const).filter(([, , ratio]) => !(ratio >= 4.5))
    expect(weak).toEqual([])
  })
})
