/** The custom properties that a timeline is painted with, and their defaults. */
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

/** The colours of the canvas's style, in a form that a canvas accepts. */
export function coloursOf(canvas: HTMLCanvasElement, style: CSSStyleDeclaration): TimelineColours {
  const texts = Object.entries(USUAL).map(
    ([name, usual]) => [name, style.getPropertyValue(name).trim() || usual] as const,
  )
  const from = [style.colorScheme, matchMedia('(prefers-color-scheme: dark)').matches, ...texts].join()
  const known = found.get(canvas)
  if (known?.from === from) return known.colours
  // A custom property is a text, perhaps `light-dark(…)`. Only an element that uses it as its own colour shows which
  // colour it is.
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
