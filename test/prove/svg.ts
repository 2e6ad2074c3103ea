import { paintTimeline, type TimelinePicture } from '../../src/devtools/timeline.js'
import { TIMELINE_HEIGHT } from '../../src/devtools/timeline-sheet.js'

const escaped = (text: string) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;')

/** The part of a canvas context that the timeline uses, which creates SVG elements. */
function createPen() {
  const elements: string[] = []
  let path = ''
  let dash: readonly number[] = []
  const pen = {
    fillStyle: '',
    strokeStyle: '',
    lineWidth: 1,
    font: '',
    textBaseline: 'middle',
    setTransform() {},
    clearRect() {},
    setLineDash: (given: readonly number[]) => void (dash = given),
    measureText: (text: string) => ({ width: text.length * 6.5 }),
    beginPath: () => void (path = ''),
    moveTo: (x: number, y: number) => void (path += `M${x} ${y}`),
    lineTo: (x: number, y: number) => void (path += `L${x} ${y}`),
    arc: (x: number, y: number, r: number) =>
      void (path += `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`),
    roundRect: (x: number, y: number, width: number, height: number) =>
      void (path += `M${x} ${y}h${width}v${height}h${-width}z`),
    fill: () => void elements.push(`<path d="${path}" fill="${pen.fillStyle}"/>`),
    stroke: () =>
      void elements.push(
        `<path d="${path}" fill="none" stroke="${pen.strokeStyle}" stroke-width="${pen.lineWidth}" stroke-dasharray="${dash.join(' ')}"/>`,
      ),
    fillRect: (x: number, y: number, width: number, height: number) =>
      void elements.push(`<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="${pen.fillStyle}"/>`),
    // A line of the story takes the place of a second.
    fillText: (text: string, x: number, y: number) =>
      void elements.push(
        `<text x="${x}" y="${y}" fill="${pen.fillStyle}" style="font:${pen.font}" dominant-baseline="middle">${escaped(text.replace(/^(\d+) s$/, 'line $1'))}</text>`,
      ),
  }
  return { pen, elements }
}

/** The devtools' timelines of all tabs as one SVG, one below the other. */
export function svgOf(pictures: readonly TimelinePicture[]): string {
  const lines = Math.max(...pictures.map(({ span }) => span / 1_000), 1)
  const width = Math.max(900, Math.round(lines * 14))
  const style = { colorScheme: 'light', fontFamily: 'sans-serif', color: '', getPropertyValue: () => '' }
  // The functions of a page that the painter calls.
  Object.assign(globalThis, { getComputedStyle: () => style, matchMedia: () => ({ matches: false }) })
  const parts = pictures.map((picture, at) => {
    const { pen, elements } = createPen()
    const canvas = { clientWidth: width, clientHeight: TIMELINE_HEIGHT, style, getContext: () => pen }
    paintTimeline(canvas as never, picture)
    return `<g transform="translate(0 ${at * (TIMELINE_HEIGHT + 20)})">${elements.join('')}</g>`
  })
  const height = pictures.length * (TIMELINE_HEIGHT + 20)
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="#fff"/>${parts.join('')}</svg>`
}
