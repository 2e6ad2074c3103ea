import { expect, it, onTestFinished } from 'vitest'
import { mountDevtools } from '../../src/devtools/panel.js'
import { createLiveSocket } from '../../src/index.js'

/** Properties that elements inherit from a page, with values far from any real page's. */
const PAGE = {
  color: 'rgb(255, 0, 255)',
  'font-style': 'italic',
  'font-variant-caps': 'small-caps',
  'letter-spacing': '9px',
  'line-height': '60px',
  'text-align': 'right',
  'text-indent': '40px',
  'text-transform': 'uppercase',
  'text-shadow': 'rgb(255, 0, 0) 3px 3px 0px',
  'white-space-collapse': 'preserve',
  'word-spacing': '20px',
  'list-style-type': 'square',
  cursor: 'crosshair',
  visibility: 'hidden',
}

/** The computed look of every element of a panel, in a page with that style. */
function looks(style: Partial<typeof PAGE> & { 'color-scheme'?: string }) {
  const page = document.body.appendChild(document.createElement('main'))
  for (const [name, value] of Object.entries(style)) page.style.setProperty(name, value)
  const socket = createLiveSocket({ url: 'ws://nowhere.invalid/' })
  const panel = mountDevtools(socket, page)
  onTestFinished(() => {
    panel.unmount()
    socket.close()
    page.remove()
  })
  const elements = [...page.firstElementChild!.shadowRoot!.querySelectorAll('*')]
  const names = [...Object.keys(PAGE), 'background-color']
  return elements.map((element) => {
    const computed = getComputedStyle(element)
    return names.map((name) => `${element.tagName} ${name}: ${computed.getPropertyValue(name)}`).join('\n')
  })
}

it('looks the same in every page, whatever its elements inherit', () => {
  expect(looks(PAGE)).toEqual(looks({}))
})

it('is light or dark as the page is', () => {
  expect(looks({ 'color-scheme': 'dark' })).not.toEqual(looks({ 'color-scheme': 'light' }))
})
