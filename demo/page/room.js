import { presence } from 'livesocket/presence'

/** How many requests are shown. */
const SHOWN = 3

/**
 * Shows who is present, and the outcomes of requests, over the same socket as the stream.
 *
 * @param {import('livesocket').LiveSocket} socket
 */
export function createRoom(socket) {
  const list = document.getElementById('members')
  const rows = document.getElementById('asked')
  const counts = { here: 0, left: 0, asked: 0, answered: 0, unknown: 0, failed: 0 }

  function show() {
    for (const [name, count] of Object.entries(counts)) {
      const cell = document.querySelector(`[data-room="${name}"]`)
      cell.textContent = count
      cell.toggleAttribute('data-bad', count > 0 && (name === 'unknown' || name === 'failed'))
    }
  }

  const here = presence(socket, 'room', { data: { doing: 'watching' } })
  here.members.subscribe((members, before) => {
    counts.here = members.length
    counts.left += before.filter(({ id }) => members.every((one) => one.id !== id)).length
    list.replaceChildren(
      ...members.map(({ user, data }) => {
        const item = document.createElement('li')
        const face = document.createElement('span')
        face.className = 'face'
        face.ariaHidden = 'true'
        face.textContent = user.name[0]
        const words = document.createElement('span')
        const doing = document.createElement('small')
        doing.textContent = data?.doing ?? ''
        words.append(user.name, doing)
        item.append(face, words)
        return item
      }),
    )
    show()
  })

  async function ask() {
    const row = document.createElement('li')
    const number = ++counts.asked
    const from = performance.now()
    row.textContent = `No. ${number}: the server is working on it…`
    rows.prepend(row)
    while (rows.childElementCount > SHOWN) rows.lastElementChild.remove()
    show()
    const took = () => `after ${((performance.now() - from) / 1_000).toFixed(1)} s`
    try {
      const { server } = await socket.request('work')
      counts.answered++
      row.dataset.fate = 'answered'
      row.textContent = `No. ${number}: answered by ${server}, ${took()}`
    } catch (error) {
      const unknown = error.code === 'outcome-unknown'
      counts[unknown ? 'unknown' : 'failed']++
      row.dataset.fate = 'unknown'
      row.textContent = unknown
        ? `No. ${number}: the connection was lost, the outcome is unknown, ${took()}`
        : `No. ${number}: ${error.reason ?? error.code}, ${took()}`
    }
    show()
  }
  document.getElementById('ask').addEventListener('click', ask)
  show()

  return {
    ask,
    startOver() {
      Object.assign(counts, { left: 0, asked: 0, answered: 0, unknown: 0, failed: 0 })
      rows.replaceChildren()
      show()
    },
  }
}
