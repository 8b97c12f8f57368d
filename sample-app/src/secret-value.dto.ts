import { BadRequestException, type PipeTransform } from '@nestjs/common';
import { IsString, Length, validateSync } from 'class-validator';

export class SecretValueDto {
  @IsString()
  @Length(1, 65_536)
  readonly value: string;

  constructor(value: unknown) {
    this.value = value as string; // until it is validated
  }
}

/** Takes the value out of a body. What it refuses is told by field and rule, and not repeated. */
export class SecretValuePipe implements PipeTransform<unknown, SecretValueDto> {
  transform(body: unknown): SecretValueDto {
    const dto = new SecretValueDto((body as Partial<SecretValueDto> | undefined)?.value);
    const problems = validateSync(dto).flatMap(({ constraints = {} }) =>
      Object.values(constraints),
    );
    if (problems.length > 0) throw new BadRequestException(problems);
    return dto;
  }
}
