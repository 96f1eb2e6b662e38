import { useState, type ReactNode } from 'react';
import { TextField } from '@/components/ui/field';
import { LARGE } from '@/features/sign-in/components/card';
import { PASSWORD_MIN, problemWithPassword } from '@/lib/password';
import { NAME_MAX, problemWithName, tidy } from '@/lib/person';

/** The name and the password of an account that is created. */
export function useNewAccount() {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [isShown, setShown] = useState(false);
  const problems = { name: problemWithName(name), password: problemWithPassword(password) };
  return {
    isShown,
    name,
    setName,
    password,
    setPassword,
    problems,
    /** Shows the problems; returns what to send if there are none. */
    read: (): { password: string; name?: string } | null => {
      setShown(true);
      if (problems.name !== null || problems.password !== null) return null;
      return { password, ...(tidy(name) !== '' && { name: tidy(name) }) };
    },
  };
}

interface NewAccountFieldsProps {
  account: ReturnType<typeof useNewAccount>;
  /** Between the name and the password, so that password managers find both where they expect them. */
  children?: ReactNode;
}

/** The fields of an account that is created. */
export function NewAccountFields({ account, children }: NewAccountFieldsProps) {
  const { isShown, name, password, problems, setName, setPassword } = account;
  return (
    <>
      <TextField
        label="Your name"
        hint="Shown to others beside what you do. Optional."
        name="name"
        autoComplete="name"
        maxLength={NAME_MAX * 2}
        inputClassName={LARGE}
        error={isShown && problems.name}
        value={name}
        onChange={setName}
      />
      {children}
      <TextField
        label="Password"
        type="password"
        name="password"
        autoComplete="new-password"
        hint={`At least ${PASSWORD_MIN} characters.`}
        inputClassName={LARGE}
        error={isShown && problems.password}
        value={password}
        onChange={setPassword}
      />
    </>
  );
}
