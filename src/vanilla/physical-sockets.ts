import { physicalSocket } from '../legs/physical-socket.js'

/** The part of a physical socket that the WebSocket interface shows. */
export interface Physical {
  readonly protocol: string
  readonly extensions?: string
  readonly bufferedAmount: number
  addEventListener(
    type: 'close' | 'error',
    listener: (event: { code?: number; reason?: string; wasClean?: boolean }) => void,
  ): void
}

/** Remembers the sockets with which a live socket dials: the WebSocket interface shows facts that only they know. */
export class PhysicalSockets {
  newest: Physical | null = null
  /** Sockets that have reported an error; not every break is one. */
  readonly failing = new WeakSet<Physical>()

  /** A class whose instances are made by `Class`, or by the platform's, and are remembered. */
  classOf(Class: unknown): unknown {
    const remember = (physical: Physical) => {
      physical.addEventListener('error', () => this.failing.add(physical))
      return (this.newest = physical)
    }
    return function (url: string, protocols?: string[]) {
      const Real = physicalSocket(Class) as new (url: string, protocols?: string[]) => Physical
      return remember(protocols ? new Real(url, protocols) : new Real(url))
    }
  }
}
