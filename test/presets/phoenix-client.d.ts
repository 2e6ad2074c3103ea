/** What the tests use of the npm package, which has no types of its own. */
declare module 'phoenix' {
  interface Channel {
    readonly state: string
    join(): unknown
    leave(): unknown
    on(event: string, handler: (payload: unknown) => void): void
    push(event: string, payload: object): { receive(status: string, handler: (response: unknown) => void): unknown }
  }
  export class Socket {
    constructor(url: string, options: { transport: unknown; heartbeatIntervalMs: number })
    connect(): void
    disconnect(): void
    isConnected(): boolean
    channel(topic: string, params: object): Channel
  }
}
