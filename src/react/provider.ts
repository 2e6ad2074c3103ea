'use client'
import { explain } from '../base/explanation.js'
import { createContext, createElement, useContext, useState, type ReactNode } from 'react'
import { LiveSocketError } from '../base/errors.js'
import type { LiveSocketOptions } from '../options/options.js'
import type { RegisteredTopics, SocketOf } from './register.js'
import { createSharedSockets } from './shared-sockets.js'
import { useHeldSocket } from './use-held-socket.js'

/** Either the application's own socket, or options for one that the provider makes, connects and closes. */
export type LiveSocketProviderProps<Topics extends object = RegisteredTopics> = { readonly children?: ReactNode } & (
  | {
      /** The application's own socket, which the application connects and closes itself. */
      readonly socket: SocketOf<Topics>
      readonly options?: undefined
    }
  | {
      /**
       * The provider makes one socket of these options, connects it when it is mounted, and closes it one second after
       * it is unmounted. Another `key` or URL makes another socket. Functions may be new in every render: the latest
       * ones are called. Any other later change has no effect; development builds warn of it.
       */
      readonly options: LiveSocketOptions<Topics>
      readonly socket?: undefined
    }
)

const LiveSocketContext = createContext<SocketOf<any> | null>(null)

/** Gives everything below it one live socket. Providers may be siblings or nested: the nearest one counts. */
export function LiveSocketProvider<Topics extends object = RegisteredTopics>({
  socket,
  options,
  children,
}: LiveSocketProviderProps<Topics>): ReactNode {
  const [find] = useState(createSharedSockets)
  const held = useHeldSocket(find, options as LiveSocketOptions | undefined)
  return createElement(LiveSocketContext.Provider, { value: present<any>(socket ?? held) }, children)
}

/** `given`, or the socket of the nearest provider. Throws a `LiveSocketError` `invalid` if there is neither. */
export function useSocket<Topics extends object>(given?: SocketOf<Topics>): SocketOf<Topics> {
  const provided = useContext(LiveSocketContext)
  return present<Topics>(given ?? provided)
}

function present<Topics extends object>(socket: SocketOf<Topics> | null | undefined): SocketOf<Topics> {
  if (!socket)
    throw new LiveSocketError(
      'invalid',
      explain`There is no live socket: put a <LiveSocketProvider> above, and give it a socket or options.`,
    )
  return socket
}
