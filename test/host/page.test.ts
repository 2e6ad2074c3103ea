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

describe("a listener of the page's life", () => {
  it('is called when the page is hidden and shown', () => {
    const { becomes } = browser()
    const { changes } = listen()
    becomes('hidden')
    expect(browserPage.hidden()).toBe(true)
    becomes('visible')
    expect(browserPage.hidden()).toBe(false)
    expect(changes).toEqual(['hidden', 'shown'])
  })

  it('is called when the page goes into the back/forward cache and comes back, in the order of a browser', () => {
    const { becomes, transition } = browser()
    const { changes } = listen()
    transition('pagehide', true)
    becomes('hidden')
    becomes('visible')
    transition('pageshow', true)
    expect(changes).toEqual(['stored', 'hidden', 'shown', 'restored'])
  })

  it('is called when a frozen page resumes', () => {
    const { resume } = browser()
    const { changes } = listen()
    resume()
    expect(changes).toEqual(['resumed'])
  })

  it('is called when a prerendered page is opened', () => {
    const { prerender, activate } = browser()
    prerender()
    expect(browserPage.prerendering!()).toBe(true)
    const { changes } = listen()
    activate()
    expect(browserPage.prerendering!()).toBe(false)
    expect(changes).toEqual(['activated'])
  })

  it('is called when a link is followed, and not after the undo', () => {
    const { followLink, activate } = browser()
    const { changes, undo } = listen()
    followLink()
    undo()
    followLink()
    activate()
    expect(changes).toEqual(['leaving'])
  })

  it('is not called when a page is loaded, or left without the back/forward cache', () => {
    const { transition } = browser()
    const { changes } = listen()
    transition('pageshow', false)
    transition('pagehide', false)
    expect(changes).toEqual([])
  })

  it('is not called for anything after the undo', () => {
    const { becomes, resume, transition } = browser()
    const { changes, undo } = listen()
    undo()
    becomes('hidden')
    resume()
    transition('pagehide', true)
    transition('pageshow', true)
    expect(changes).toEqual([])
  })

  it('does no harm without a document, where no page is hidden', () => {
    vi.stubGlobal('document', undefined)
    expect(browserPage.hidden()).toBe(false)
    expect(() => listen().undo()).not.toThrow()
  })
})
