import { StrictMode, useState, type FormEvent } from 'react'
import { createRoot } from 'react-dom/client'
import { LiveSocketProvider } from 'livesocket/react'
import { Room } from './room.js'
import './style.css'

/** LiveSocket calls this when a token is due, not at each connection. */
async function getToken({ signal }: { signal: AbortSignal }) {
  const response = await fetch('/token', { method: 'POST', signal })
  if (response.status === 401) return { ended: 'the login is over' }
  if (!response.ok) throw new Error(`/token answered ${response.status}`)
  return (await response.json()) as { token: string; ttl: number }
}

const options = { url: `${location.origin.replace('http', 'ws')}/live`, getToken }

function App() {
  const room = new URLSearchParams(location.search).get('room') ?? 'lobby'
  const [name, setName] = useState(sessionStorage.getItem('name'))

  async function login(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const chosen = new FormData(event.currentTarget).get('name') as string
    const { ok } = await fetch('/login', { method: 'POST', body: chosen })
    if (!ok) return
    sessionStorage.setItem('name', chosen)
    setName(chosen)
  }

  if (name === null)
    return (
      <form className="login" onSubmit={login}>
        <input name="name" placeholder="Your name" maxLength={40} required />
        <button type="submit">Enter</button>
      </form>
    )
  return (
    <LiveSocketProvider options={options}>
      <Room room={room} name={name} />
    </LiveSocketProvider>
  )
}

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <App />
  </StrictMode>,
)
