import { Inject, type InjectionToken } from '@nestjs/common';

/** Injects the `Rotating` resource of a `rotatingResource`. */
export function InjectRotating(token: InjectionToken): PropertyDecorator & ParameterDecorator {
  return Inject(token);
}
