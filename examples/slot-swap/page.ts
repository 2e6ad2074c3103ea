// The page: a chat in fifteen lines, and a count of the news that arrived.
import { follow, type Reader, type Way } from './reader.js'

declare global {
  interface Window {
    reader: Reader
  }
}

const query = new URLSearchParams(location.search)
const reader = follow(query.get('way') as Way, query.get('origin')!)
window.reader = reader
const [list, form, text] = ['ol', 'form', 'input'].map((name) => document.querySelector(name)!)
form!.addEventListener('submit', (event) => {
  event.preventDefault()
  const { value } = text as HTMLInputElement
  reader.say(value).then(
    () => ((text as HTMLInputElement).value = ''),
    (error: unknown) => document.body.append(String(error)),
  )
})
const show = () => {
  for (const line of reader.lines.slice(list!.children.length))
    list!.append(Object.assign(document.createElement('li'), { textContent: line }))
  document.querySelector('output')!.textContent = `${reader.newest} news, ${reader.moves} handovers`
  requestAnimationFrame(show)
}
show()
