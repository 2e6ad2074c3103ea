import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { askProgram } from './ask.js'
import { compileProgram } from './compile.js'
import { readCase } from './shrink.js'
import { svgOf } from './svg.js'

const HELP = `npm run replay CASE      prints one schedule that \`npm run prove\` found, line by line
  -- --svg FILE          also draws it as the devtools' timeline, with lines in place of seconds`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { svg: { type: 'string' }, help: { type: 'boolean', short: 'h', default: false } },
})
if (values.help) {
  console.log(HELP)
  process.exit()
}
const one = readCase(positionals[0] ?? '')
const program = await compileProgram()
try {
  const { broken, story, pictures } = await askProgram(program.path, { kind: 'replay', one })
  console.log(story.join('\n'))
  console.log(broken.length === 0 ? 'No promise is broken.' : `Broken: ${broken.join('; ')}`)
  if (values.svg !== undefined) {
    await writeFile(values.svg, svgOf(pictures))
    console.log(`Drawn into ${values.svg}`)
  }
  process.exitCode = broken.length === 0 ? 0 : 1
} finally {
  await program.remove()
}
