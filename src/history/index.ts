export { history, type HistoryOptions } from './history.js'
