import { afterEach, describe, expect, it, vi } from 'vitest'
import { browserPage, type PageChange } from '../../src/host/page.js'

afterEach(() => vi.unstubAllGlobals())

/** The parts of a window and its document that concern the page's life. */
function browser() {
  const window = new EventTarget()
  const document = Object.assign(new EventTarget(), { visibilityState: 'visible', prerendering: false })
  vi.stubGlobal('document', document)
  vi.stubGlobal('addEventListener', window.addEventListener.bind(window))
  vi.stubGlobal('removeEventListener', window.removeEventListener.bind(window))
  return {
    becomes(visibilityState: string) {
      document.visibilityState = visibilityState
      document.dispatchEvent(new Event('visibilitychange'))
    },
    prerender: () => void (document.prerendering = true),
    activate() {
      document.prerendering = false
      document.dispatchEvent(new Event('prerenderingchange'))
    },
    followLink: () => window.dispatchEvent(new Event('beforeunload')),
    resume: () => document.dispatchEvent(new Event('resume')),
    transition: (type: 'pagehide' | 'pageshow', persisted: boolean) =>
      window.dispatchEvent(Object.assign(new Event(type), { persisted })),
  }
}

function listen() {
  const changes: PageChange[] = []
  const undo = browserPage.subscribe((change) => void changes.push(change))
  return { changes, undo }
}

describe("a page's life", () => {
  it('is told when it leaves the front and comes to it', () => {
    const { becomes } = browser()
    const { changes } = listen()
    becomes('hidden')
    expect(browserPage.hidden()).toBe(true)
    becomes('visible')
    expect(browserPage.hidden()).toBe(false)
    expect(changes).toEqual(['hidden', 'shown'])
  })

  it('is told when it goes into the back/forward cache and comes out of it, in the order of a browser', () => {
    const { becomes, transition } = browser()
    const { changes } = listen()
    transition('pagehide', true)
    becomes('hidden')
    becomes('visible')
    transition('pageshow', true)
    expect(changes).toEqual(['stored', 'hidden', 'shown', 'restored'])
  })

  it('is told when it was frozen and is not any more', () => {
    const { resume } = browser()
    const { changes } = listen()
    resume()
    expect(changes).toEqual(['resumed'])
  })

  it('is told when a page that was prerendered is opened', () => {
    const { prerender, activate } = browser()
    prerender()
    expect(browserPage.prerendering!()).toBe(true)
    const { changes } = listen()
    activate()
    expect(browserPage.prerendering!()).toBe(false)
    expect(changes).toEqual(['activated'])
  })

  it('is told when a link is followed, and hears nothing after the undo', () => {
    const { followLink, activate } = browser()
    const { changes, undo } = listen()
    followLink()
    undo()
    followLink()
    activate()
    expect(changes).toEqual(['leaving'])
  })

  it('is not told of a page that is loaded, or that is left for good', () => {
    const { transition } = browser()
    const { changes } = listen()
    transition('pageshow', false)
    transition('pagehide', false)
    expect(changes).toEqual([])
  })

  it('is not told any more after the undo', () => {
    const { becomes, resume, transition } = browser()
    const { changes, undo } = listen()
    undo()
    becomes('hidden')
    resume()
    transition('pagehide', true)
    transition('pageshow', true)
    expect(changes).toEqual([])
  })

  it('is one that is never hidden where there is no document', () => {
    vi.stubGlobal('document', undefined)
    expect(browserPage.hidden()).toBe(false)
    expect(() => listen().undo()).not.toThrow()
  })
})
