import type { LiveSocketError } from '../base/errors.js'
import type { ProtocolLeg } from '../legs/protocol-leg.js'

interface Entry {
  readonly leg: ProtocolLeg
  /**
   * Topics that its server refused before it welcomed the leg, or ended when it was left: told when it serves, or goes
   * on to, which it may never do.
   */
  refusals: Map<string, LiveSocketError> | null
  /** Its dial was under way when a hint came that only this client was hit. */
  suspect: boolean
  /** It was there when the page was told that it may be left. What is dialled afterwards no such navigation closes. */
  leaving: boolean
}

/** The legs that are open or being dialled: those that the machine's state names. */
export class LegRoster {
  #entries: Entry[] = []

  /** A copy: who is told of one may make another one go. */
  get all(): ProtocolLeg[] {
    return this.#entries.map(({ leg }) => leg)
  }

  of(number: number | undefined): ProtocolLeg | undefined {
    return this.#entry(number)?.leg
  }

  add(leg: ProtocolLeg): void {
    this.#entries = this.#entries.concat({ leg, refusals: null, suspect: false, leaving: false })
  }

  /** It is closed, or gone: what is still said of it is not heard. Undefined: it was not there any more. */
  forget(number: number): (Pick<Entry, 'suspect' | 'leaving'> & { readonly leg: ProtocolLeg }) | undefined {
    const entry = this.#entry(number)
    this.#entries = this.#entries.filter((other) => other !== entry)
    return entry
  }

  suspect(leg: ProtocolLeg): void {
    const entry = this.#entry(leg.number)
    if (entry) entry.suspect = true
  }

  /** The page may be left, and with it these legs. */
  markLeaving(): void {
    for (const entry of this.#entries) entry.leaving = true
  }

  keepRefusal(number: number, topic: string, error: LiveSocketError): void {
    const entry = this.#entry(number)
    if (entry) (entry.refusals ??= new Map()).set(topic, error)
  }

  takeRefusals(number: number | undefined): LiveSocketError[] {
    const entry = this.#entry(number)
    const refusals = [...(entry?.refusals?.values() ?? [])]
    if (entry) entry.refusals = null
    return refusals
  }

  #entry(number: number | undefined): Entry | undefined {
    return this.#entries.find(({ leg }) => leg.number === number)
  }
}
