import { ArrayMaxSize, IsArray, IsOptional, IsString, Length, Matches } from 'class-validator';
import { DURATION_FORM } from './duration';
import { KEY_FORM } from './key-record';

/** What every store can have in a name; "virtual-key-" begins the names of keys without an alias. */
const ALIAS = /^(?!virtual-key-)(?!\.+$)[\w.@+=-]{1,100}$/;
const aliasRule = {
  message:
    '$property takes up to 100 letters, digits and .@+=-_, and does not begin with "virtual-key-"',
};
const keyRule = { message: '$property must be "sk-" and 16 letters, digits, - or _, or more' };

export class GenerateKeyDto {
  @IsOptional()
  @Matches(ALIAS, aliasRule)
  key_alias?: string | null;

  @IsOptional()
  @IsArray()
  @ArrayMaxSize(200)
  @Length(1, 200, { each: true })
  models?: string[];

  @IsOptional()
  @Matches(KEY_FORM, keyRule)
  key?: string;

  @IsOptional()
  @Matches(DURATION_FORM, { message: 'duration must be as "30s", "30m", "30h" or "30d"' })
  duration?: string;
}

export class RegenerateKeyDto {
  @IsOptional()
  @Matches(ALIAS, aliasRule)
  key_alias?: string | null;

  @IsOptional()
  @Matches(KEY_FORM, keyRule)
  new_key?: string;
}

export class DeleteKeysDto {
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(1_000)
  @IsString({ each: true })
  keys?: string[];

  @IsOptional()
  @IsArray()
  @ArrayMaxSize(1_000)
  @Matches(ALIAS, { ...aliasRule, each: true })
  key_aliases?: string[];
}
