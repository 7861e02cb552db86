// The entry point of the worker: messages {id, method, parameters} to Service, and {id, result} or {id, error} back.

import { Service } from "./service.js";

const service = new Service();

self.onmessage = ({ data: { id, method, parameters } }) => {
  try {
    self.postMessage({ id, result: service[method](parameters) });
  } catch (error) {
    self.postMessage({ id, error: String(error?.message ?? error) });
  }
};
