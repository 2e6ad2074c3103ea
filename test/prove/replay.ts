import { askProgram } from './ask.js'
import { compileProgram } from './compile.js'
import { readCase } from './shrink.js'

const [text = ''] = process.argv.slice(2)
const one = readCase(text)
const program = await compileProgram()
try {
  const { broken, story } = await askProgram(program.path, { kind: 'replay', one })
  console.log(story.join('\n'))
  console.log(broken.length === 0 ? 'No promise is broken.' : `Broken: ${broken.join('; ')}`)
  process.exitCode = broken.length === 0 ? 0 : 1
} finally {
  await program.remove()
}
