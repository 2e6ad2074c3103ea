import { createRequire } from 'node:module'
import type { Plugin } from 'vite'

// Required, as it has no types of its own and this needs none of them.
const { transformAsync } = createRequire(import.meta.url)('@babel/core') as {
  transformAsync(text: string, options: object): Promise<{ readonly code: string }>
}

declare global {
  interface Window {
    shown(name: string): string[]
  }
}

/** What the React Compiler makes of the application's components; what it cannot compile fails the build. */
export function compilerOf(version: string): Plugin & { readonly compiled: Set<string>; readonly texts: string[] } {
  const compiled = new Set<string>()
  const texts: string[] = []
  const logger = {
    logEvent(_file: string | null, { kind, fnName }: { kind: string; fnName?: string }) {
      if (kind === 'CompileSuccess') compiled.add(fnName!)
    },
  }
  const target = version.split('.')[0]
  return {
    name: 'react-compiler',
    enforce: 'pre',
    compiled,
    texts,
    async transform(text, id) {
      if (!id.endsWith('compiled.jsx')) return undefined
      const { code } = await transformAsync(text, {
        filename: id,
        configFile: false,
        babelrc: false,
        parserOpts: { plugins: ['jsx'] },
        plugins: [['babel-plugin-react-compiler', { target, panicThreshold: 'all_errors', logger }]],
      })
      texts.push(code)
      return code
    },
  }
}

/** Each kind of hook in components that the compiler memoizes. What they show is read from the page. */
export const COMPILED_APPLICATION: Record<string, string> = {
  'compiled.html':
    '<!doctype html><link rel="icon" href="data:,"><div id="root"></div><script type="module" src="/compiled.jsx"></script>',
  'compiled-world.js': `
    import { createSimulation } from 'livesocket/testing'
    export const world = createSimulation({ presence: () => true })
    world.play()
    window.stopTicks = world.publishEvery(10, 'ticks')
    window.world = world
    window.told = []
    window.shown = (name) => document.querySelector('#' + name).textContent.split(' ').filter(Boolean)
  `,
  'compiled.jsx': `
    import { StrictMode, useState } from 'react'
    import { createRoot } from 'react-dom/client'
    import {
      LiveSocketProvider, useLiveLog, useLiveMessages, useLiveSocket, useLiveStatus, usePresence, usePublish,
    } from 'livesocket/react'
    import { world } from './compiled-world.js'
    function Told() {
      useLiveMessages('ticks', (tick) => window.told.push(tick))
      return null
    }
    function Ticks() {
      const ticks = useLiveLog('ticks', { limit: 100_000 })
      return <p id="ticks">{ticks.map(({ data }) => data).join(' ')}</p>
    }
    function Room() {
      const [count, setCount] = useState(0)
      const log = useLiveLog('room', { optimistic: true })
      const { publish, pending } = usePublish('room')
      const members = usePresence('room', { count })
      const send = () => {
        void publish(count)
        setCount(count + 1)
      }
      return <>
        <button id="send" onClick={send}>send</button>
        <p id="room">{log.map(({ data }) => data).join(' ')}</p>
        <p id="unconfirmed">{log.filter(({ own }) => own).length + pending}</p>
        <p id="members">{members.map(({ user, data }) => user + ':' + data.count).join(' ')}</p>
      </>
    }
    function Status() {
      return <p id="status">{useLiveStatus()}</p>
    }
    function Connected({ told }) {
      const socket = useLiveSocket({ url: world.url, environment: world.environment, getToken: (ask) => world.getToken(ask) })
      return <LiveSocketProvider socket={socket}><Status /><Ticks /><Room />{told && <Told />}</LiveSocketProvider>
    }
    function App() {
      const [here, setHere] = useState(true)
      const [told, setTold] = useState(true)
      return <>
        <button id="leave" onClick={() => setHere(false)}>leave</button>
        <button id="told" onClick={() => setTold(!told)}>told</button>
        {here && <Connected told={told} />}
      </>
    }
    createRoot(document.getElementById('root')).render(<StrictMode><App /></StrictMode>)
  `,
}
