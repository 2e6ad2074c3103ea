import { physicalSocket } from '../legs/physical-socket.js'

/** The part of a physical socket that the interface shows. */
export interface Physical {
  readonly protocol: string
  readonly extensions?: string
  readonly bufferedAmount: number
  addEventListener(
    type: 'close' | 'error',
    listener: (event: { code?: number; reason?: string; wasClean?: boolean }) => void,
  ): void
}

/** The sockets that a live socket dials with, remembered: the interface shows what only they know. */
export class PhysicalSockets {
  newest: Physical | null = null
  /** Those that told of an error, which not every break is. */
  readonly failing = new WeakSet<Physical>()

  /** A class that makes such as `Class` does, or the platform's. */
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
