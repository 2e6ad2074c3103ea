/** Custom properties that a timeline is painted with, and what they are where nobody sets them. */
const USUAL = {
  '--leg-a': '#0b7a70',
  '--leg-a-soft': '#cfe9e4',
  '--leg-b': '#4a48c8',
  '--leg-b-soft': '#dddcf8',
  '--ink': '#16181d',
  '--muted': '#5d6470',
  '--line': '#e2e4e8',
  '--surface': '#ffffff',
  '--bad': '#b92318',
}

export type TimelineColours = Readonly<Record<keyof typeof USUAL, string>>

const found = new WeakMap<HTMLCanvasElement, { readonly from: string; readonly colours: TimelineColours }>()

/** The colours of the canvas's style, as a canvas takes them. */
export function coloursOf(canvas: HTMLCanvasElement, style: CSSStyleDeclaration): TimelineColours {
  const texts = Object.entries(USUAL).map(
    ([name, usual]) => [name, style.getPropertyValue(name).trim() || usual] as const,
  )
  const from = [style.colorScheme, matchMedia('(prefers-color-scheme: dark)').matches, ...texts].join()
  const known = found.get(canvas)
  if (known?.from === from) return known.colours
  // A custom property is a text, `light-dark(…)` perhaps: which colour that is shows where an element has it for its
  // own.
  const own = canvas.style.color
  const colours = Object.fromEntries(
    texts.map(([name, text]) => {
      canvas.style.color = text
      return [name, style.color]
    }),
  ) as unknown as TimelineColours
  canvas.style.color = own
  found.set(canvas, { from, colours })
  return colours
}
