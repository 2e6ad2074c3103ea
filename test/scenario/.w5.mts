import { weather } from './weather.js'
const seed = Number(process.argv[2] ?? 5)
const t=Date.now()
console.log(seed, await weather(seed), Date.now()-t)
